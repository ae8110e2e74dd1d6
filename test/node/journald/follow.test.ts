// Following the journal through child processes that flood, die, hang and lie, and through the real journalctl.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../agent/node/journald/entry.ts';
import { createJournalSource, type JournalOptions } from '../../../agent/node/journald/follow.ts';
import { type JournalReader, journalReaders } from '../../../agent/node/journald/journal-reader.ts';
import type {
  FollowIncident,
  FollowRequest,
  LogPosition,
  LogSource,
} from '../../../agent/node/journald/source.ts';
import { containerdFields, cursorOf, exportEntry, realtimeUs } from '../../support/journal.ts';

const UNIT = 'containerd.service';
/** Nobody is asked whether there is more: these tests end before. */
const PATIENT = { firstMs: 60_000, nextMs: 60_000, stalledMs: 60_000 };

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'follow-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Entries `from` to `to`, as the fake's source text. */
function entries(from: number, to: number): string {
  const all = Array.from({ length: to - from + 1 }, (_, i) =>
    exportEntry(containerdFields(from + i, `message ${from + i}`)),
  );
  return `process.stdout.write(${JSON.stringify(Buffer.concat(all).toString())});`;
}

const HANG = 'setInterval(() => {}, 1000);';

/** A program in place of journalctl: run number n executes `runs[n]`, the last one again and again. */
function fakeJournalctl(...runs: readonly string[]): string {
  return fakeReader('journalctl', '', ...runs).command[0];
}

/** The same as a reader; asked once, for the newest entry or its version, it executes `answer`. */
function fakeReader(name: string, answer: string, ...runs: readonly string[]): JournalReader {
  const path = join(folder, name);
  const log = JSON.stringify(join(folder, `runs of ${name}`));
  const cases = runs.map((run, n) => `() => { ${run} /* ${n} */ }`).join(',\n');
  writeFileSync(
    path,
    `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs');
if (!process.argv.includes('--follow')) {
  ${answer}
  return;
}
appendFileSync(${log}, JSON.stringify(process.argv.slice(2)) + '\\n');
const run = readFileSync(${log}, 'utf8').split('\\n').length - 2;
const runs = [${cases}];
runs[Math.min(run, runs.length - 1)]();
`,
  );
  chmodSync(path, 0o755);
  return { name, command: [path], options: [] };
}

function argumentsOfRuns(name = 'journalctl'): string[][] {
  const lines = readFileSync(join(folder, `runs of ${name}`), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as string[]);
}

interface Outcome {
  readonly messages: readonly string[];
  readonly incidents: readonly FollowIncident[];
  readonly waits: readonly number[];
}

/** Follows until `count` entries came, `restarts` restarts were announced, or the incident `kind` was. */
async function follow(
  journalctl: string | readonly [JournalReader, ...JournalReader[]],
  until: { count?: number; restarts?: number; incident?: FollowIncident['kind'] },
  { after, since = new Date(0), signal }: Partial<FollowRequest> = {},
  options: Partial<JournalOptions> = {},
): Promise<Outcome> {
  const stop = new AbortController();
  const messages: string[] = [];
  const incidents: FollowIncident[] = [];
  const waits: number[] = [];
  const readers = typeof journalctl === 'string' ? ([readerAt(journalctl)] as const) : journalctl;
  const source = createJournalSource({
    readers,
    unit: UNIT,
    patience: PATIENT,
    sleep: (ms) => {
      waits.push(ms);
      if (waits.length === until.restarts) stop.abort();
      return Promise.resolve();
    },
    random: () => 0,
    ...options,
  });
  const batches = source.follow({
    since,
    signal: signal ?? stop.signal,
    onIncident: (incident) => {
      incidents.push(incident);
      if (incident.kind === until.incident) stop.abort();
    },
    ...(after === undefined ? {} : { after }),
  });
  for await (const batch of batches) {
    messages.push(...batch.map((entry) => entry.message));
    if (until.count !== undefined && messages.length >= until.count) stop.abort();
  }
  return { messages, incidents, waits };
}

function readerAt(path: string): JournalReader {
  return { name: 'journalctl', command: [path], options: [] };
}

function request(signal = new AbortController().signal): FollowRequest {
  return { since: new Date(0), signal, onIncident: () => undefined };
}

function position(n: number): LogPosition {
  return { cursor: cursorOf(n), realtimeUs: realtimeUs(n) };
}

function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `message ${from + i}`);
}

describe('the journal as a source', () => {
  it('yields entries as they come and ends by the signal', async () => {
    const { messages, incidents } = await follow(fakeJournalctl(entries(1, 3) + HANG), {
      count: 3,
    });
    expect(messages).toEqual(numbered(1, 3));
    expect(incidents).toEqual([]);
  });

  it('ends at once when the signal has aborted, without starting anything', async () => {
    const { messages } = await follow('/nowhere', {}, { signal: AbortSignal.abort() });
    expect(messages).toEqual([]);
  });

  it('kills journalctl when the consumer stops', async () => {
    const path = fakeJournalctl(
      `require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'pid'))}, String(process.pid));` +
        entries(1, 1) +
        HANG,
    );
    const source = createJournalSource({ readers: [readerAt(path)], unit: UNIT });
    for await (const batch of source.follow(request())) {
      expect(batch).toHaveLength(1);
      break;
    }
    const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow();
  });

  it('continues after the last entry when journalctl dies, missing and repeating none', async () => {
    const path = fakeJournalctl(
      `${entries(1, 2)} process.exitCode = 1; process.stderr.write('Bad message');`,
      entries(2, 4) + HANG,
    );
    const { messages, incidents } = await follow(path, { count: 4 });
    expect(messages).toEqual(numbered(1, 4));
    expect(incidents).toMatchObject([{ kind: 'restart', error: { code: 'journal_unavailable' } }]);
    expect(incidents[0]).toHaveProperty(
      'error.message',
      'journalctl exited with 1, saying: Bad message',
    );
    expect(argumentsOfRuns()[1]).toContain(`--cursor=${cursorOf(2)}`);
  });

  it('does not take half an entry for one when journalctl dies in the middle of it', async () => {
    const half = exportEntry(containerdFields(2, 'half')).toString().slice(0, -10);
    const path = fakeJournalctl(
      `${entries(1, 1)} process.stdout.write(${JSON.stringify(half)});`,
      entries(1, 2) + HANG,
    );
    expect((await follow(path, { count: 2 })).messages).toEqual(numbered(1, 2));
  });

  it('starts after the given position', async () => {
    const path = fakeJournalctl(entries(5, 7) + HANG);
    const { messages, incidents } = await follow(path, { count: 2 }, { after: position(5) });
    expect(messages).toEqual(numbered(6, 7));
    expect(incidents).toEqual([]);
  });

  it('tells of a gap where the cursor is gone and keeps the entry it was led to', async () => {
    const path = fakeJournalctl(entries(9, 10) + HANG);
    const { messages, incidents } = await follow(path, { count: 2 }, { after: position(5) });
    expect(messages).toEqual(numbered(9, 10));
    expect(incidents).toEqual([{ kind: 'gap', from: position(5), to: position(9), entries: 3 }]);
  });

  it('falls back to time when journalctl keeps refusing the cursor', async () => {
    const refuse = `process.stderr.write('Failed to seek to cursor'); process.exitCode = 1;`;
    const path = fakeJournalctl(refuse, refuse, refuse, entries(6, 6) + HANG);
    const { messages } = await follow(path, { count: 1 }, { after: position(5) });
    expect(messages).toEqual(numbered(6, 6));
    const starts = argumentsOfRuns().map((args) => args.find((arg) => /cursor|since/.test(arg)));
    expect(starts.slice(2)).toEqual([`--cursor=${cursorOf(5)}`, '--since=@1766000000.005000']);
  });

  it('waits longer each time nothing comes, and says why', async () => {
    const { waits, incidents } = await follow(join(folder, 'missing'), { restarts: 4 });
    expect(waits).toEqual([250, 500, 1000, 2000]);
    expect(incidents).toHaveLength(4);
    expect(incidents[0]).toMatchObject({ kind: 'restart', waitMs: 250 });
    expect(incidents[0]).toHaveProperty(
      'error.message',
      expect.stringMatching(/did not start.*ENOENT/),
    );
  });

  it('keeps a flood on stderr small and reads on', async () => {
    const path = fakeJournalctl(
      `process.stderr.write('x'.repeat(5_000_000), () => { ${entries(1, 1)} process.exitCode = 3; });`,
    );
    const { messages, incidents } = await follow(path, { restarts: 1 });
    expect(messages).toEqual(numbered(1, 1));
    expect(incidents.map(({ kind }) => kind)).toEqual(['complaint', 'restart']);
    for (const incident of incidents) expect(JSON.stringify(incident).length).toBeLessThan(2300);
  });

  it('reports malformed entries and reads those after them', async () => {
    const path = fakeJournalctl(
      `process.stdout.write('__CURSOR=x\\nnot a field\\n\\nMESSAGE=no cursor\\n\\n');` +
        entries(1, 1) +
        HANG,
    );
    const { messages, incidents } = await follow(path, { count: 1 });
    expect(messages).toEqual(numbered(1, 1));
    expect(incidents.map(({ kind }) => kind)).toEqual(['entry_invalid', 'entry_invalid']);
  });

  it('reads nothing ahead of a slow consumer but what the pipe and one read hold', async () => {
    // Written without pause, 200 MB would arrive if nothing held it back.
    const path = fakeJournalctl(
      `const fs = require('node:fs'); let n = 0; const entry = Buffer.from(${JSON.stringify(
        exportEntry(containerdFields(1, 'x'.repeat(1000))).toString(),
      )}.repeat(50)); const write = () => process.stdout.write(entry, () => {
        fs.writeFileSync(${JSON.stringify(join(folder, 'written'))}, String(++n)); if (n < 3000) write(); }); write();`,
    );
    const source = createJournalSource({ readers: [readerAt(path)], unit: UNIT });
    const batches = source.follow(request());
    await batches.next();
    // The consumer does not ask again; a second process start is ample time for the flood.
    spawnSync(process.execPath, ['-e', '0']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(Number(readFileSync(join(folder, 'written'), 'utf8'))).toBeLessThan(30);
    await batches.return();
  });
});

const REMOTE = [
  '/usr/lib/systemd/systemd-journal-remote',
  '/lib/systemd/systemd-journal-remote',
].find((path) => spawnSync(path, ['--version']).status === 0);
const WITHOUT_REMOTE = 'needs systemd-journal-remote to write a journal file';

// The e2e tests follow a real journald; this one needs only journalctl and its file writer, which
// hack/setup installs as root. In CI, where that has run, a missing one is a failure.
describe.skipIf(REMOTE === undefined && process.env.CI !== 'true')(
  `the journal as a source with the real journalctl (${WITHOUT_REMOTE})`,
  () => {
    it('reads two boots, binary and long messages, and continues after a cursor', async () => {
      const fields = [1, 2, 3, 4, 5].map((n): Record<string, string> => {
        const boot = (n < 3 ? 'a' : 'b').repeat(32);
        const message = n === 4 ? 'binary\n\n\u0000\ufffd' : n === 5 ? 'x'.repeat(60_000) : `m${n}`;
        const entry = containerdFields(n, message);
        return { ...entry, _BOOT_ID: boot, __CURSOR: cursorOf(n).replace(/b=b+/, `b=${boot}`) };
      });
      const other = { ...containerdFields(6, 'not ours'), _SYSTEMD_UNIT: 'ssh.service' };
      const journal = join(folder, 'journal');
      mkdirSync(journal);
      const input = Buffer.concat([...fields, other].map((entry) => exportEntry(entry)));
      const written = spawnSync(REMOTE ?? '', ['-o', join(journal, 'system.journal'), '-'], {
        input,
      });
      expect(written.status).toBe(0);

      const readers = journalReaders({
        hostRoot: '/',
        journalctl: 'journalctl',
        directory: journal,
      });
      const source = createJournalSource({ readers, unit: UNIT, patience: PATIENT });
      const first = await collect(source, 5);
      expect(first.map(({ message }) => message)).toEqual(fields.map((entry) => entry['MESSAGE']));
      const after = first[1];
      if (after === undefined) throw new TypeError('no second entry');
      const rest = await collect(source, 3, after);
      expect(rest).toEqual(first.slice(2));
    });
  },
);

async function collect(
  source: LogSource,
  count: number,
  after?: LogPosition,
): Promise<JournalEntry[]> {
  const found: JournalEntry[] = [];
  const place = after === undefined ? {} : { after };
  for await (const batch of source.follow({ ...request(AbortSignal.timeout(10_000)), ...place })) {
    found.push(...batch);
    if (found.length >= count) break;
  }
  return found;
}
