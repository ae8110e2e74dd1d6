// Bench: entries per second of our journal reading against `journalctl -o export > /dev/null`, on the same journal.
import { execFile, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encodeVerdictLine } from '../../agent/node/journald/verdict-line.ts';
import type { JournalReadingReport } from './journal-reader.ts';
import { type Benchmark, type Measurement, ratios } from './measurement.ts';
import { pullLines, pullVerdict } from './pull-lines.ts';

const run = promisify(execFile);
const READER = fileURLToPath(new URL('./journal-reader.ts', import.meta.url));
/** As the agent is started. */
const NODE_FLAGS = ['--v8-pool-size=1', '--disable-warning=ExperimentalWarning'];
const ENVIRONMENT = {
  PATH: process.env['PATH'],
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '16384',
};
const ENTRIES = 500_000;
const ROUNDS = 5;
const READ_TIMEOUT_MS = 120_000;
const UNIT = 'containerd.service';
const VERIFIER_PATH = '/opt/containerd/image-verifier/bin/nodeseal-verifier';
const START_US = 1_766_000_000_000_000;
/** A hundred pulls a second. */
const PULL_MS = 10;
const ENTRY_US = 1_000;

/** Builds a journal in a temporary folder, measures both readers in turns, and cleans up. */
export const JOURNAL: Benchmark = {
  about: `reading a journal of ${ENTRIES} entries`,
  run: measure,
};

async function measure(): Promise<readonly Measurement[]> {
  const { theirsMs, ours, recorded } = await readInTurns(ENTRIES, ROUNDS);
  const rates = ours.map(({ elapsedMs }) => rate(elapsedMs));
  const target = { bound: 'at most', value: 1.15 } as const;
  const small = { bound: 'at most', value: 120 } as const;
  const ratio = ratios(elapsedMsOf(ours), theirsMs);
  return [
    { what: 'journalctl -o export > /dev/null', values: theirsMs.map(rate), unit: 'entries/s' },
    { what: 'follow and classify', values: rates, unit: 'entries/s' },
    { what: 'ratio of time', values: ratio, unit: 'x', target },
    { what: 'most resident', values: ours.map(peakMb), unit: 'MB', target: small },
    {
      what: 'and record',
      values: recorded.map(({ elapsedMs }) => rate(elapsedMs)),
      unit: 'entries/s',
    },
    { what: 'most resident, recording', values: recorded.map(peakMb), unit: 'MB', target: small },
  ];
}

/** Builds a journal, reads it by both in turns, and at last into a ledger, too. */
export async function readInTurns(entries: number, rounds: number) {
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-bench-'));
  try {
    writeJournal(folder, entries);
    const theirsMs: number[] = [];
    const ours: JournalReadingReport[] = [];
    for (let round = 0; round < rounds; round += 1) {
      theirsMs.push(readWithJournalctl(folder));
      ours.push(await readWithFollow(folder, entries, 'classify'));
    }
    return { theirsMs, ours, recorded: [await readWithFollow(folder, entries, 'record')] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Of each reading. */
export function elapsedMsOf(reports: readonly JournalReadingReport[]): readonly number[] {
  return reports.map(({ elapsedMs }) => elapsedMs);
}

function peakMb(report: JournalReadingReport): number {
  return report.peakMb;
}

function readWithJournalctl(folder: string): number {
  const sink = openSync('/dev/null', 'w');
  try {
    const started = performance.now();
    const args = [`--directory=${folder}`, '--output=export', '--all', '--no-pager'];
    const { status } = spawnSync('journalctl', args, { stdio: ['ignore', sink, 'inherit'] });
    if (status !== 0) throw new Error(`journalctl exited with ${String(status)}`);
    return performance.now() - started;
  } finally {
    closeSync(sink);
  }
}

async function readWithFollow(
  folder: string,
  entries: number,
  mode: string,
): Promise<JournalReadingReport> {
  const args = [...NODE_FLAGS, READER, folder, String(entries), mode];
  const options = { env: ENVIRONMENT, timeout: READ_TIMEOUT_MS };
  const { stdout } = await run(process.execPath, args, options);
  const report = JSON.parse(stdout) as JournalReadingReport;
  // A reader that skips or misreads would be quick and wrong.
  for (const [kind, share] of Object.entries(SHARES)) {
    const expected = (entries / LINES_PER_PULL) * share;
    if (report.kinds[kind] !== expected) {
      throw new Error(`expected ${expected} of ${kind}, found ${String(report.kinds[kind])}`);
    }
  }
  return report;
}

/** What one good pull leaves: the program that writes each line, and the line. */
function linesOf(pull: number): readonly (readonly [string, string])[] {
  const { verdict, ...context } = pullVerdict(pull);
  const [first = '', ...others] = pullLines(pull, new Date(START_US / 1000 + pull * PULL_MS));
  const started = `${first.slice(0, first.indexOf(' msg='))} msg="StartContainer for \\"${'ab'.repeat(32)}\\" returns successfully"`;
  return [
    ['/usr/bin/containerd', first],
    [VERIFIER_PATH, encodeVerdictLine(verdict, context)],
    ...[...others, started].map((line) => ['/usr/bin/containerd', line] as const),
  ];
}

const LINES_PER_PULL = linesOf(0).length;
/** Of those lines. */
const SHARES: Readonly<Record<string, number>> = { verdict: 1, containerd: 6, nothing: 3 };

function writeJournal(folder: string, entries: number): void {
  const input = join(folder, 'export');
  const file = openSync(input, 'w+');
  for (let n = 0; n < entries; n += LINES_PER_PULL) {
    const lines = linesOf(n / LINES_PER_PULL);
    writeSync(file, lines.map((line, index) => exportEntry(n + index, line)).join(''));
  }
  closeSync(file);
  const stdin = openSync(input, 'r');
  const args = ['-o', join(folder, 'system.journal'), '-'];
  const written = spawnSync(journalWriter(), args, { stdio: [stdin, 'ignore', 'pipe'] });
  closeSync(stdin);
  rmSync(input);
  if (written.status !== 0) throw new Error(`systemd-journal-remote: ${written.stderr.toString()}`);
  const count = 'journalctl --directory="$1" --output=cat --no-pager | wc --lines';
  const counted = spawnSync('sh', ['-c', count, 'count', folder], { encoding: 'utf8' });
  if (Number(counted.stdout) !== entries) {
    throw new Error(`expected a journal of ${entries} entries, found ${counted.stdout}`);
  }
}

function journalWriter(): string {
  const places = ['/usr/lib/systemd', '/lib/systemd'].map((at) => `${at}/systemd-journal-remote`);
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new Error('systemd-journal-remote is missing: apt-get install systemd-journal-remote');
}

// The fields that journald gives a line of containerd on a node.
function exportEntry(n: number, [exe, message]: readonly [string, string]): string {
  const sinceUs = n * ENTRY_US;
  const [boot, time, monotonic] = ['b'.repeat(32), START_US + sinceUs, 5_000_000 + sinceUs];
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
