// Bench: entries per second of our journal reading against `journalctl -o export > /dev/null`, on the same journal.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepHeapSmall } from '../../agent/commands/run/heap.ts';
import { createJournalSource } from '../../agent/node/journald/follow.ts';
import { journalReaders } from '../../agent/node/journald/journal-reader.ts';
import { readEntry } from '../../agent/node/journald/reading.ts';
import type { FollowIncident } from '../../agent/node/journald/source.ts';
import { encodeVerdictLine } from '../../agent/node/journald/verdict-line.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import { type Benchmark, type Measurement, ratios } from './measurement.ts';

const ENTRIES = 100_000;
const ROUNDS = 5;
const UNIT = 'containerd.service';
const VERIFIER_PATH = '/opt/containerd/image-verifier/bin/nodeseal-verifier';
const START_US = 1_766_000_000_000_000;

/** Builds a journal in a temporary folder, measures both readers in turns, and cleans up. */
export const JOURNAL: Benchmark = {
  about: `reading a journal of ${ENTRIES} entries`,
  run: measure,
};

async function measure(): Promise<readonly Measurement[]> {
  // As `nodeseal run` does: what it saves must not be paid for here.
  keepHeapSmall();
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-bench-'));
  try {
    writeJournal(folder);
    const theirs: number[] = [];
    const ours: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      theirs.push(rate(readWithJournalctl(folder)));
      ours.push(rate(await readWithFollow(folder)));
    }
    const target = { bound: 'at least', value: 0.7 } as const;
    return [
      { what: 'journalctl -o export > /dev/null', values: theirs, unit: 'entries/s' },
      { what: 'follow and classify', values: ours, unit: 'entries/s' },
      { what: 'ratio', values: ratios(ours, theirs), unit: 'x', target },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readWithJournalctl(folder: string): number {
  const sink = openSync('/dev/null', 'w');
  try {
    const started = performance.now();
    const args = [`--directory=${folder}`, '--output=export', '--all', '--no-pager'];
    const run = spawnSync('journalctl', args, { stdio: ['ignore', sink, 'inherit'] });
    if (run.status !== 0) throw new Error(`journalctl exited with ${String(run.status)}`);
    return performance.now() - started;
  } finally {
    closeSync(sink);
  }
}

async function readWithFollow(folder: string): Promise<number> {
  const stop = new AbortController();
  const writers = { unit: UNIT, verifierPath: VERIFIER_PATH };
  const counts = new Map<string, number>();
  const readers = journalReaders({ hostRoot: '/', journalctl: 'journalctl', directory: folder });
  const source = createJournalSource({ readers, unit: UNIT });
  let seen = 0;
  const started = performance.now();
  let elapsedMs = 0;
  const request = {
    since: new Date(0),
    signal: stop.signal,
    onIncident: ({ kind }: FollowIncident) => {
      throw new Error(`expected an undisturbed reading, found ${kind}`);
    },
  };
  for await (const batch of source.follow(request)) {
    for (const entry of batch) {
      const { kind } = readEntry(entry, writers);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    seen += batch.length;
    if (seen >= ENTRIES) {
      elapsedMs = performance.now() - started;
      stop.abort();
    }
  }
  // A reader that skips or misreads would be quick and wrong.
  for (const [kind, share] of Object.entries(SHARES)) {
    const expected = (ENTRIES / LINES.length) * share;
    if (counts.get(kind) !== expected) {
      throw new Error(`expected ${expected} of ${kind}, found ${String(counts.get(kind))}`);
    }
  }
  return elapsedMs;
}

const DIGEST = `sha256:${'ab'.repeat(32)}` as const;
const VERDICT: Verdict = {
  decision: 'deny',
  reason: 'signature_missing',
  message: 'registry.example/team/app: no signature of the Notary Project',
  inconclusive: false,
  repository: 'registry.example/team/app',
  digest: DIGEST,
  policy: 'production',
  level: 'strict',
  signature: null,
  signer: null,
  results: [],
  skippedSignatures: { count: 0, first: [] },
  validUntil: null,
  policyHash: '1'.repeat(64),
  trustHash: '2'.repeat(64),
  time: '2026-08-22T10:11:12.123Z',
  durationMs: 31,
};
const CONTEXT = { name: 'registry.example/team/app:v1', via: 'agent', mode: 'enforce' } as const;
const TIME = 'time="2026-08-22T10:11:12.123456789Z"';

// What one refused and one good pull leave at level info, and a line about something else.
const LINES: readonly (readonly [string, string])[] = [
  [VERIFIER_PATH, encodeVerdictLine(VERDICT, CONTEXT)],
  [
    '/usr/bin/containerd',
    `${TIME} level=warning msg="Image verifier blocked pull" digest="${DIGEST}" name="registry.example/team/app:v1" ok=false reason="verifier nodeseal-verifier rejected image (exit code 1): signature_missing: no signature" verifier=bindir`,
  ],
  [
    '/usr/bin/containerd',
    String.raw`${TIME} level=info msg="ImageCreate event name:\"registry.example/team/app:v1\"  labels:{key:\"io.cri-containerd.image\"  value:\"managed\"}"`,
  ],
  [
    '/usr/bin/containerd',
    String.raw`${TIME} level=info msg="Pulled image \"registry.example/team/app:v1\" with image id \"${DIGEST}\", repo tag \"registry.example/team/app:v1\", repo digest \"registry.example/team/app@${DIGEST}\", size \"1234567\" in 1.234567s"`,
  ],
  [
    '/usr/bin/containerd',
    `${TIME} level=info msg="StartContainer for \\"${'ab'.repeat(32)}\\" returns successfully"`,
  ],
];
const SHARES: Readonly<Record<string, number>> = { verdict: 1, containerd: 3, nothing: 1 };

function writeJournal(folder: string): void {
  const input = join(folder, 'export');
  const file = openSync(input, 'w+');
  for (let n = 0; n < ENTRIES; n += 1) writeSync(file, exportEntry(n));
  closeSync(file);
  const stdin = openSync(input, 'r');
  const args = ['-o', join(folder, 'system.journal'), '-'];
  const run = spawnSync(journalWriter(), args, { stdio: [stdin, 'ignore', 'pipe'] });
  closeSync(stdin);
  rmSync(input);
  if (run.status !== 0) throw new Error(`systemd-journal-remote: ${run.stderr.toString()}`);
}

function journalWriter(): string {
  const places = ['/usr/lib/systemd', '/lib/systemd'].map((at) => `${at}/systemd-journal-remote`);
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new Error('systemd-journal-remote is missing: apt-get install systemd-journal-remote');
}

// The fields that journald gives a line of containerd on a node.
function exportEntry(n: number): string {
  const [exe, message] = LINES[n % LINES.length] ?? ['', ''];
  const [boot, time, monotonic] = ['b'.repeat(32), START_US + n * 100, 5_000_000 + n * 100];
  return [
    `__CURSOR=s=${'a'.repeat(32)};i=${hex(n + 1)};b=${boot};m=${hex(monotonic)};t=${hex(time)};x=${hex(n)}`,
    `__REALTIME_TIMESTAMP=${time}`,
    `__MONOTONIC_TIMESTAMP=${monotonic}`,
    `_BOOT_ID=${boot}`,
    `_MACHINE_ID=${'e'.repeat(32)}`,
    `_SYSTEMD_INVOCATION_ID=${'d'.repeat(32)}`,
    `_STREAM_ID=${'f'.repeat(32)}`,
    'PRIORITY=6',
    'SYSLOG_FACILITY=3',
    'SYSLOG_IDENTIFIER=containerd',
    '_TRANSPORT=stdout',
    '_UID=0',
    '_GID=0',
    `_PID=${4000 + (n % 100)}`,
    '_COMM=containerd',
    `_EXE=${exe}`,
    `_CMDLINE=${exe} --config /etc/containerd/config.toml`,
    '_CAP_EFFECTIVE=1ffffffffff',
    '_SELINUX_CONTEXT=unconfined',
    `_SYSTEMD_CGROUP=/system.slice/${UNIT}`,
    `_SYSTEMD_UNIT=${UNIT}`,
    '_SYSTEMD_SLICE=system.slice',
    '_HOSTNAME=node',
    `MESSAGE=${message}`,
    '\n',
  ].join('\n');
}

function hex(value: number): string {
  return value.toString(16);
}

function rate(elapsedMs: number): number {
  return ENTRIES / (elapsedMs / 1000);
}
