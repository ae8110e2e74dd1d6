// Following the journal through child processes that flood, die, hang and lie, and through the real journalctl.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalPosition } from '../../../agent/node/journald/cursor.ts';
import type { JournalEntry } from '../../../agent/node/journald/entry.ts';
import {
  type FollowIncident,
  followJournal,
  type FollowOptions,
} from '../../../agent/node/journald/follow.ts';
import { journalctlArguments } from '../../../agent/node/journald/journalctl.ts';
import { containerdFields, cursorOf, exportEntry, realtimeUs } from '../../support/journal.ts';

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
  const path = join(folder, 'journalctl');
  const log = JSON.stringify(join(folder, 'runs'));
  const cases = runs.map((run, n) => `() => { ${run} /* ${n} */ }`).join(',\n');
  writeFileSync(
    path,
    `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs');
appendFileSync(${log}, JSON.stringify(process.argv.slice(2)) + '\\n');
const run = readFileSync(${log}, 'utf8').split('\\n').length - 2;
const runs = [${cases}];
runs[Math.min(run, runs.length - 1)]();
`,
  );
  chmodSync(path, 0o755);
  return path;
}

function argumentsOfRuns(): string[][] {
  const lines = readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as string[]);
}

interface Outcome {
  readonly messages: readonly string[];
  readonly incidents: readonly FollowIncident[];
  readonly waits: readonly number[];
}

/** Follows until `count` entries came or `restarts` restarts were announced. */
async function follow(
  journalctl: string,
  until: { count?: number; restarts?: number },
  options: Partial<FollowOptions> = {},
): Promise<Outcome> {
  const stop = new AbortController();
  const messages: string[] = [];
  const incidents: FollowIncident[] = [];
  const waits: number[] = [];
  const batches = followJournal({
    source: { journalctl, unit: 'containerd.service' },
    since: new Date(0),
    signal: stop.signal,
    onIncident: (incident) => incidents.push(incident),
    sleep: (ms) => {
      waits.push(ms);
      if (waits.length === until.restarts) stop.abort();
      return Promise.resolve();
    },
    random: () => 0,
    ...options,
  });
  for await (const batch of batches) {
    messages.push(...batch.map((entry) => entry.message));
    if (until.count !== undefined && messages.length >= until.count) stop.abort();
  }
  return { messages, incidents, waits };
}

function position(n: number): JournalPosition {
  return { cursor: cursorOf(n), realtimeUs: realtimeUs(n) };
}

function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `message ${from + i}`);
}

describe('followJournal', () => {
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
    const source = { journalctl: path, unit: 'u' };
    const signal = new AbortController().signal;
    for await (const batch of followJournal({ source, since: new Date(0), signal })) {
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

  it('reports a cursor that is gone and keeps the entry it was led to', async () => {
    const path = fakeJournalctl(entries(9, 10) + HANG);
    const { messages, incidents } = await follow(path, { count: 2 }, { after: position(5) });
    expect(messages).toEqual(numbered(9, 10));
    expect(incidents).toEqual([{ kind: 'cursor_gone', position: position(5) }]);
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
    expect((incidents[0] as { error: Error }).error.message.length).toBeLessThan(2100);
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
    const source = { journalctl: path, unit: 'u' };
    const signal = new AbortController().signal;
    const batches = followJournal({ source, since: new Date(0), signal });
    await batches.next();
    // The consumer does not ask again; a second process start is ample time for the flood.
    spawnSync(process.execPath, ['-e', '0']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(Number(readFileSync(join(folder, 'written'), 'utf8'))).toBeLessThan(30);
    await batches.return();
  });
});

describe('journalctlArguments', () => {
  it('names directory, unit, machine and place', () => {
    const source = { directory: '/host/journal', unit: 'k3s.service', machineId: 'e'.repeat(32) };
    const args = journalctlArguments(source, { sinceUs: 1_766_000_000_000_007 });
    expect(args).toEqual(expect.arrayContaining(['--follow', '--no-tail', '--merge']));
    expect(args.slice(-4)).toEqual([
      '--directory=/host/journal',
      '--since=@1766000000.000007',
      '_SYSTEMD_UNIT=k3s.service',
      `_MACHINE_ID=${'e'.repeat(32)}`,
    ]);
    expect(args.indexOf('--boot=all')).toBeGreaterThan(args.indexOf('--follow'));
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
  `followJournal with the real journalctl (${WITHOUT_REMOTE})`,
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

      const source = { directory: journal, unit: 'containerd.service' };
      const first = await collect({ source, since: new Date(0) }, 5);
      expect(first.map(({ message }) => message)).toEqual(fields.map((entry) => entry['MESSAGE']));
      const after = first[1];
      if (after === undefined) throw new TypeError('no second entry');
      const rest = await collect({ source, since: new Date(0), after }, 3);
      expect(rest).toEqual(first.slice(2));
    });
  },
);

async function collect(
  options: Omit<FollowOptions, 'signal'>,
  count: number,
): Promise<JournalEntry[]> {
  const signal = AbortSignal.timeout(10_000);
  const found: JournalEntry[] = [];
  for await (const batch of followJournal({ ...options, signal })) {
    found.push(...batch);
    if (found.length >= count) break;
  }
  return found;
}
