// What the journal of a node says about pulls, counted without any code of ours: `journalctl -o json` and a few patterns.
import type { TestNode } from './test-node.ts';

/** How often each thing was said. */
export type Counts = Readonly<Record<string, number>>;

/** What the journal holds, as far as it is to be in the ledger. */
export interface JournalAccount {
  /** By the names of the metric. */
  readonly events: Counts;
  /** `DECISION REASON` of the verifier's own lines. */
  readonly verdicts: Counts;
  /** The same with `REPOSITORY@DIGEST ` before it. */
  readonly verdictsByImage: Counts;
  /** Of `pull_blocked`: those that our verifier refused. */
  readonly blockedByUs: number;
}

type Entry = Readonly<Record<string, unknown>>;

/** journalctl's own JSON is several times the size of the journal. */
const READ_TIMEOUT_MS = 120_000;
const VERDICT = '{"msg":"notation signature verify: ';
const CANARY = '/nodeseal-canary/';
const BLOCKED_BY_US =
  /^time="[^"]+" level=warning msg="Image verifier blocked pull" .* reason="verifier nodeseal-verifier rejected image /;
const CONFIG_DIGEST = /^sha256:[0-9a-f]{64}$/;

// Inside a message that quotes a name: Go's %q, and the text format's quoting of that.
const NAME = String.raw`\\"(?<name>(?:[^"\\]|\\\\(?:\\"|\\\\|[A-Za-z0-9]))*)\\"`;
const inMessage = (before: string, after: string): RegExp =>
  new RegExp(`^level=${before}${NAME}${after}`);

/** Line for line how containerd writes at level info. */
const LINES: readonly (readonly [string, RegExp])[] = [
  [
    'pull_blocked',
    /^level=warning msg="Image verifier blocked pull" digest="[^"]+" name="(?<name>[^"]+)" /,
  ],
  [
    'no_judgement',
    /^level=error msg="No judgement received from verifier" .* name="(?<name>[^"]+)" verifier=bindir$/,
  ],
  ['pull_started', inMessage('info msg="PullImage ', '"$')],
  ['pull_failed', inMessage('error msg="PullImage ', ' failed" error=')],
  ['pull_finished', inMessage('info msg="Pulled image ', ' with image id ')],
  ['image_created', inMessage('info msg="ImageCreate event name:', '')],
  ['image_updated', inMessage('info msg="ImageUpdate event name:', '')],
  ['image_deleted', inMessage('info msg="ImageDelete event name:', '')],
  ['containerd_started', /^level=info msg="starting containerd" /],
  ['containerd_booted', /^level=info msg="containerd successfully booted in /],
];

/** The entries of a journal, gathered by several looks, because what is vacuumed is not there for the last. */
export class JournalOracle {
  readonly #node: TestNode;
  readonly #entries = new Map<string, Entry>();

  constructor(node: TestNode) {
    this.#node = node;
  }

  /** Takes in what is in the journal now. */
  async look(): Promise<void> {
    const command = ['journalctl', '--output=json', '--all', '--no-pager', '--quiet'];
    // Of the unit in which the agent wants the writers to be, whatever journald says of the others.
    const matches = ['_SYSTEMD_UNIT=containerd.service'];
    const text = await this.#node.output([...command, ...matches], { timeoutMs: READ_TIMEOUT_MS });
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const entry = JSON.parse(line) as Entry;
      this.#entries.set(String(entry['__CURSOR']), entry);
    }
  }

  /** How many entries were seen. */
  get size(): number {
    return this.#entries.size;
  }

  /** `configDigests` are the ids of the images that are to be counted; an id tells nothing of whose it is. */
  account(configDigests: ReadonlySet<string>): JournalAccount {
    const events = new Map<string, number>();
    const verdicts = new Map<string, number>();
    const verdictsByImage = new Map<string, number>();
    let blockedByUs = 0;
    for (const entry of this.#entries.values()) {
      const message = textOf(entry['MESSAGE']);
      const writer = entry['_UID'] === '0' ? String(entry['_EXE']) : '';
      if (message.startsWith(VERDICT)) {
        const verdict = JSON.parse(message) as Readonly<Record<string, unknown>>;
        const { repository, digest, decision, reason } = verdict;
        if (String(repository).includes(CANARY)) continue;
        if (/\/nodeseal-verifier( \(deleted\))?$/.test(writer)) {
          const said = `${String(decision)} ${String(reason)}`;
          count(verdicts, said);
          count(verdictsByImage, `${String(repository)}@${String(digest)} ${said}`);
        } else count(events, 'untrusted_verdict');
      } else if (writer === '/usr/bin/containerd') {
        const event = eventOf(message, configDigests);
        if (event !== undefined) count(events, event);
        if (event === 'pull_blocked' && BLOCKED_BY_US.test(message)) blockedByUs += 1;
      }
    }
    return {
      events: Object.fromEntries(events),
      verdicts: Object.fromEntries(verdicts),
      verdictsByImage: Object.fromEntries(verdictsByImage),
      blockedByUs,
    };
  }
}

function eventOf(message: string, configDigests: ReadonlySet<string>): string | undefined {
  const line = /^time="[^"]+" (?<rest>.*)$/s.exec(message)?.groups?.['rest'];
  if (line === undefined) return 'unreadable_line';
  for (const [event, pattern] of LINES) {
    const groups = pattern.exec(line)?.groups;
    if (groups === undefined && !pattern.test(line)) continue;
    const name = groups?.['name'] ?? '';
    if (name.includes(CANARY)) return undefined;
    // The canary's image has an id too.
    if (CONFIG_DIGEST.test(name) && !configDigests.has(name)) return undefined;
    return event;
  }
  return undefined;
}

// Values that are not UTF-8 come as lists of bytes.
function textOf(value: unknown): string {
  return Array.isArray(value) ? Buffer.from(value as number[]).toString() : String(value);
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
