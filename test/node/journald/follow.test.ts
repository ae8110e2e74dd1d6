// Following the journal through child processes that flood, die, hang and lie.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createJournalSource, type JournalOptions } from '../../../agent/node/journald/follow.ts';
import type { JournalReader } from '../../../agent/node/journald/journal-reader.ts';
import { findOlderReader } from '../../../agent/node/journald/journalctl-answers.ts';
import type {
  FollowIncident,
  FollowRequest,
  LogPosition,
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

  it('tries the cursor and the time by turns while neither brings anything', async () => {
    const path = fakeJournalctl('process.exitCode = 1;');
    await follow(path, { restarts: 6 }, { after: position(5) });
    const isByTime = argumentsOfRuns().map((args) => args.some((arg) => arg.includes('since')));
    expect(isByTime).toEqual([false, false, false, true, false, true]);
  });

  it('waits no longer than at first once something came', async () => {
    const none = 'process.exitCode = 1;';
    const path = fakeJournalctl(none, none, entries(1, 1), entries(1, 1));
    expect((await follow(path, { restarts: 4 })).waits).toEqual([250, 500, 250, 500]);
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

  it('hides no fault of ours behind a restart', async () => {
    const path = fakeJournalctl(`process.stdout.write('__CURSOR=x\\nnot a field\\n\\n'); ${HANG}`);
    const fault = new TypeError('a fault');
    const stop = new AbortController();
    const kinds: string[] = [];
    const onIncident = ({ kind }: FollowIncident) => {
      kinds.push(kind);
      if (kind === 'entry_invalid') throw fault;
      stop.abort();
    };
    const source = createJournalSource({ readers: [readerAt(path)], unit: UNIT });
    const batches = source.follow({ ...request(stop.signal), onIncident });
    await expect(batches.next()).rejects.toBe(fault);
    expect(kinds).toEqual(['entry_invalid']);
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

/** Asks at once whether there is more, and waits for it. */
const CURIOUS = { firstMs: 20, nextMs: 20, stalledMs: 60_000 };
/** Gives up on it soon, on a busy machine before a run can bring anything. */
const IMPATIENT = { firstMs: 20, nextMs: 20, stalledMs: 20 };

describe('a journalctl that says nothing', () => {
  it('has read all when another finds nothing newer', async () => {
    const reader = fakeReader('journalctl', entries(2, 2), entries(1, 2) + HANG);
    const { messages, incidents } = await follow(
      [reader],
      { incident: 'caught_up' },
      {},
      { patience: CURIOUS },
    );
    expect(messages).toEqual(numbered(1, 2));
    expect(incidents).toEqual([{ kind: 'caught_up' }]);
  });

  it('has read all when what there is, is older than asked for', async () => {
    const reader = fakeReader('journalctl', entries(2, 2), HANG);
    const since = new Date(realtimeUs(3) / 1000);
    const { incidents } = await follow(
      [reader],
      { incident: 'caught_up' },
      { since },
      { patience: CURIOUS },
    );
    expect(incidents).toEqual([{ kind: 'caught_up' }]);
  });

  it('is started again when there is something newer, which then comes', async () => {
    const reader = fakeReader(
      'journalctl',
      entries(3, 3),
      entries(1, 2) + HANG,
      entries(1, 3) + HANG,
    );
    const { messages, incidents } = await follow(
      [reader],
      { count: 3 },
      {},
      { patience: IMPATIENT },
    );
    expect(messages).toEqual(numbered(1, 3));
    expect(incidents.slice(0, 2)).toMatchObject([
      { kind: 'waiting', newest: position(3) },
      { kind: 'restart', error: { code: 'journal_unavailable' } },
    ]);
  });

  it('lets go of what waited for the rest of a line', async () => {
    const cut = { ...containerdFields(2, 'cut'), _STREAM_ID: 'a', _LINE_BREAK: 'line-max' };
    const script = `process.stdout.write(${JSON.stringify(exportEntry(cut).toString())});`;
    const reader = fakeReader('journalctl', entries(2, 2), entries(1, 1) + script + HANG);
    const { messages } = await follow([reader], { count: 2 }, {}, { patience: CURIOUS });
    expect(messages).toEqual(['message 1', 'cut']);
  });
});

describe('the host’s journalctl', () => {
  const MISSING: JournalReader = {
    name: 'journalctl of the host',
    command: ['/nowhere/journalctl'],
    options: [],
  };
  const version = (n: number): string =>
    `if (process.argv.includes('--version')) process.stdout.write('systemd ${n} (${n}-1)\\n+PAM');`;

  it('is replaced by ours where it is missing', async () => {
    const own = fakeReader('own', '', entries(1, 2) + HANG);
    const { messages, incidents } = await follow([MISSING, own], { count: 2 });
    expect(messages).toEqual(numbered(1, 2));
    expect(incidents.map(({ kind }) => kind)).toEqual(['restart', 'fallback']);
    expect(incidents).toHaveProperty('1.error.message', expect.stringContaining('ENOENT'));
  });

  it('is replaced where it shows nothing of what there is', async () => {
    const blind = fakeReader('blind', '', HANG);
    const own = fakeReader('own', entries(2, 2), entries(1, 2) + HANG);
    const { messages, incidents } = await follow(
      [blind, own],
      { count: 2 },
      {},
      { patience: IMPATIENT },
    );
    expect(messages).toEqual(numbered(1, 2));
    expect(incidents.map(({ kind }) => kind)).toContain('fallback');
  });

  it('is tried again when ours ends', async () => {
    const host = fakeReader('host', '', '', '', entries(2, 4) + HANG);
    const own = fakeReader('own', '', entries(1, 2));
    const { messages } = await follow([host, own], { count: 4 });
    expect(messages).toEqual(numbered(1, 4));
    expect(argumentsOfRuns('host')).toHaveLength(3);
    expect(argumentsOfRuns('own')).toHaveLength(1);
  });

  it('is told of when ours, which replaces it, is older', async () => {
    const reader = fakeReader('own', version(252), entries(1, 1) + HANG);
    const { incidents } = await follow(
      [MISSING, reader],
      { incident: 'older_reader' },
      {},
      { hostVersion: async () => Promise.resolve(257) },
    );
    expect(incidents.at(-1)).toEqual({ kind: 'older_reader', version: 252, hostVersion: 257 });
  });

  it.each([
    ['older', version(252), 257, { version: 252, hostVersion: 257 }],
    ['as old', version(257), 257, null],
    ['newer', version(258), 257, null],
    ['beside a host of unknown age', version(252), null, null],
    ['of unknown age', `process.stdout.write('journalctl');`, 257, null],
    ['silent', '', 257, null],
  ])('is compared with ours, which may be %s', async (_, answer, host, expected) => {
    const { signal } = new AbortController();
    const hostVersion = async () => Promise.resolve(host);
    const older = await findOlderReader(fakeReader('own', answer), hostVersion, signal);
    expect(older).toEqual(expected);
  });
});

describe('what is missing', () => {
  it('is read again before it is told', async () => {
    const hole = entries(1, 2) + entries(5, 6) + HANG;
    const found = fakeJournalctl(hole, entries(2, 6) + HANG);
    const good = await follow(found, { count: 6 });
    expect(good.messages).toEqual(numbered(1, 6));
    expect(good.incidents).toEqual([]);
    expect(good.waits).toEqual([]);
    expect(argumentsOfRuns()[1]).toContain(`--cursor=${cursorOf(2)}`);
  });

  it('is told when it stays away', async () => {
    const hole = fakeJournalctl(
      entries(1, 2) + entries(5, 6) + HANG,
      entries(2, 2) + entries(5, 6) + HANG,
    );
    const { messages, incidents } = await follow(hole, { count: 4 });
    expect(messages).toEqual([...numbered(1, 2), ...numbered(5, 6)]);
    expect(incidents).toEqual([{ kind: 'gap', from: position(2), to: position(5), entries: 2 }]);
  });

  it('is told when journald says so', async () => {
    const notice = {
      ...containerdFields(2, 'Suppressed 213 messages from containerd.service'),
      _TRANSPORT: 'driver',
      _SYSTEMD_UNIT: 'systemd-journald.service',
    };
    const script = `process.stdout.write(${JSON.stringify(exportEntry(notice).toString())});`;
    const path = fakeJournalctl(entries(1, 1) + script + entries(3, 3) + HANG);
    const { messages, incidents } = await follow(path, { count: 2 });
    expect(messages).toEqual(['message 1', 'message 3']);
    expect(incidents).toEqual([{ kind: 'suppressed', entries: 213, at: position(2) }]);
  });
});

describe('what journalctl says while it goes on', () => {
  it('is passed on, line by line and without tricks', async () => {
    const path = fakeJournalctl(
      `process.stderr.write('Journal file x uses an unsupported feature,\\u001b[2J ignoring file.\\n\\nmore\\n',
        () => setTimeout(() => { ${entries(1, 1)} }, 50)); ${HANG}`,
    );
    const { incidents } = await follow(path, { count: 1 });
    expect(incidents).toEqual([
      {
        kind: 'complaint',
        text: 'journalctl: Journal file x uses an unsupported feature,\\u{1b}[2J ignoring file.',
      },
      { kind: 'complaint', text: 'journalctl: more' },
    ]);
  });
});
