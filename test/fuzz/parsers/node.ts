// What the node says: journal, containerd's log and events, verdict lines, the record of what is installed.
import { askedRepository } from '../../../agent/audit/container.ts';
import { imageKeyOf } from '../../../agent/audit/image-key.ts';
import { parseEnvelope } from '../../../agent/node/containerd/events.ts';
import { METHODS } from '../../../agent/node/containerd/descriptors.ts';
import { turnOf } from '../../../agent/node/containerd/task-events.ts';
import { isSupported } from '../../../agent/node/containerd/version.ts';
import { createLayout, placeOf } from '../../../agent/node/host/layout.ts';
import { encodeManifest, parseManifest } from '../../../agent/node/host/manifest.ts';
import { classifyContainerdLine } from '../../../agent/node/journald/containerd-event.ts';
import { parseContainerdLine } from '../../../agent/node/journald/containerd-line.ts';
import { isSameEntry } from '../../../agent/node/journald/cursor.ts';
import { ENTRY_FIELDS, toJournalEntry } from '../../../agent/node/journald/entry.ts';
import { ExportParser } from '../../../agent/node/journald/export-format.ts';
import { readEntry } from '../../../agent/node/journald/reading.ts';
import { encodeVerdictLine, parseVerdictLine } from '../../../agent/node/journald/verdict-line.ts';
import { parsePodPage } from '../../../agent/node/kubernetes/pods.ts';
import { containerdFields, cursorOf, exportEntry } from '../../support/journal.ts';
import { protoField } from '../../support/proto-field.ts';
import { verdictOf } from '../../support/verdict.ts';
import type { Reader } from '../fuzz.ts';
import { ofText, texts } from '../text.ts';

/** What is pending is put together again with each piece. */
const MAX_PIECES = 200;

const LAYOUT = createLayout();
const WRITERS = { unit: 'containerd.service', verifierPath: LAYOUT.verifierFile };
const DIGEST = `sha256:${'ab'.repeat(32)}` as const;
const VERDICT = encodeVerdictLine(verdictOf({}), { name: 'a.b/c:v1', via: 'host', mode: 'audit' });
const TIME = 'time="2026-08-22T10:11:12.123456789Z"';
const LINES = [
  `${TIME} level=warning msg="Image verifier blocked pull" digest="${DIGEST}" name="a.b/c:v1" ok=false reason="said \\"no\\"\\n\\x80\\u2028" verifier=bindir`,
  `{"level":"info","msg":"ImageCreate event name:\\"a.b/c:v1\\"","n":1,"o":{"a":[]},"time":"2026-08-22T10:11:12Z"}`,
  `${TIME} level=info msg="ImageCreate event name:\\"a.b/c:v1\\" labels:{key:\\"a\\" value:\\"b\\"}"`,
];

const OWNER = { kind: 'ReplicaSet', name: 'cart-7d9', controller: true };
const PODS = JSON.stringify({
  items: [{ metadata: { uid: 'u1', ownerReferences: [OWNER], annotations: {} } }],
  metadata: { continue: 'a' },
});

export const NODE_READERS: readonly Reader[] = [
  { name: 'journal, whole', seeds: journals, read: (bytes) => readJournal([Buffer.from(bytes)]) },
  {
    name: 'journal, in pieces',
    seeds: journals,
    read: (bytes) => {
      const size = 16 + (bytes[0] ?? 0) + Math.floor(bytes.length / MAX_PIECES);
      const count = Math.ceil(bytes.length / size);
      const all = Buffer.from(bytes);
      return readJournal(
        Array.from({ length: count }, (_, index) => all.subarray(index * size, (index + 1) * size)),
      );
    },
  },
  {
    name: 'line of containerd',
    seeds: () => texts(...LINES),
    read: ofText((text) => classifyContainerdLine(parseContainerdLine(text))),
  },
  { name: 'verdict line', seeds: () => texts(VERDICT), read: ofText(parseVerdictLine) },
  {
    name: 'cursor',
    seeds: () => texts(cursorOf(1)),
    read: ofText((text) => isSameEntry(text, cursorOf(1))),
  },
  {
    name: 'image event',
    seeds: () => [named('a.b/c:v1')],
    read: (bytes) => {
      const typeUrl = 'containerd.services.images.v1.ImageCreate';
      const event = { typeUrl, value: Buffer.from(bytes) };
      return parseEnvelope({ namespace: 'k8s.io', topic: '/images/create', event });
    },
  },
  {
    name: 'exit of a process',
    seeds: () => [Buffer.concat([protoField(1, 'c1'), protoField(2, 'probe')])],
    read: (bytes) => {
      const event = { typeUrl: 'containerd.events.TaskExit', value: Buffer.from(bytes) };
      return turnOf({ namespace: 'k8s.io', topic: '/tasks/exit', event });
    },
  },
  {
    name: 'list of pods',
    seeds: () => texts(PODS),
    read: (bytes) => parsePodPage({ status: 200, body: bytes }),
  },
  {
    name: 'what a pod asks for',
    seeds: () => texts('app', 'a.b:5000/c/d:v1', `app@${DIGEST}`),
    read: ofText(askedRepository),
  },
  {
    name: 'version of containerd',
    seeds: () => texts('v2.1.4', '2.2.0~ds1', '1.7.0'),
    read: ofText(isSupported),
  },
  {
    name: 'name of an image',
    seeds: () => texts('a.b/c:v1', DIGEST, `a.b/c@${DIGEST}`),
    read: ofText((name) =>
      imageKeyOf({ name, target: { mediaType: 'application/a', digest: DIGEST, size: 1 } }),
    ),
  },
  {
    name: 'record of what is installed',
    seeds: () => {
      const files = new Map([[LAYOUT.policyFile, ['0'.repeat(64)]]]);
      const original = { sha256: 'a'.repeat(64), mode: 0o644, uid: 0, gid: 0 };
      const originals = new Map([['/etc/containerd/notation-policy.json', original]]);
      return [encodeManifest({ files, directories: ['/etc/containerd'], originals })];
    },
    read: (bytes) => parseManifest(bytes, (path) => placeOf(LAYOUT, path) !== null),
  },
];

function journals(): readonly Buffer[] {
  const messages = [...LINES, VERDICT, 'two\nlines'];
  return [
    Buffer.concat(messages.map((message, n) => exportEntry(containerdFields(n, message)))),
    exportEntry({ ...containerdFields(9, VERDICT), _EXE: WRITERS.verifierPath }),
  ];
}

/** Entries that are malformed are counted and told, never thrown. */
function readJournal(chunks: readonly Buffer[]): unknown {
  const parser = new ExportParser(ENTRY_FIELDS);
  const entries = chunks.flatMap((chunk) => parser.feed(chunk));
  return entries.map((entry) => readEntry(toJournalEntry(entry), WRITERS));
}

/** A message whose first field is a text. */
function named(name: string): Buffer {
  return METHODS.getImage.encodeRequest({ name });
}
