// The real journalctl over real journal files: as a source of the log, and with files that come, go and are no good.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createJournalSource } from '../../../agent/node/journald/follow.ts';
import { journalReaders } from '../../../agent/node/journald/journal-reader.ts';
import type { FollowIncident, LogSource } from '../../../agent/node/journald/source.ts';
import { containerdFields, cursorOf, exportEntry } from '../../support/journal.ts';
import { describeWithJournalFiles, writeJournalFile } from '../../support/journal-files.ts';
import {
  describeSource,
  messageOf,
  positionOf,
  type SourceHarness,
  start,
} from './source-conformance.ts';

const UNIT = 'containerd.service';
/** Nobody is asked whether there is more. */
const PATIENT = { firstMs: 60_000, nextMs: 60_000, stalledMs: 60_000 };

/** A folder of journal files. */
class JournalFiles implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'journal-'));

  create(): LogSource {
    const settings = { hostRoot: '/', journalctl: 'journalctl', directory: this.directory };
    const readers = journalReaders(settings);
    return createJournalSource({ readers, unit: UNIT, patience: PATIENT });
  }

  async put(entries: readonly Buffer[]): Promise<void> {
    await writeJournalFile(join(this.directory, 'system.journal'), Buffer.concat(entries));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.directory, { recursive: true, force: true });
    return Promise.resolve();
  }
}

async function openFiles(): Promise<JournalFiles> {
  return Promise.resolve(new JournalFiles());
}

async function open(): Promise<SourceHarness> {
  const log = await openFiles();
  const entryOf = (n: number, message: string | Buffer) =>
    exportEntry({ ...containerdFields(n, ''), MESSAGE: message });
  const numbers = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, at) => from + at);
  return {
    create: () => log.create(),
    write: (from, to) => log.put(numbers(from, to).map((n) => entryOf(n, messageOf(n)))),
    writeRaw: (n, message) => log.put([entryOf(n, message)]),
    lose: async () => {
      for (const name of readdirSync(log.directory)) rmSync(join(log.directory, name));
      return Promise.resolve();
    },
    close: async () => log[Symbol.asyncDispose](),
  };
}

describeWithJournalFiles('journal files', () => {
  describeSource('the journal', open);

  it('are read across boots, with binary and long messages', async () => {
    await using log = await openFiles();
    const fields = [1, 2, 3, 4, 5].map((n): Record<string, string> => {
      const boot = (n < 3 ? 'a' : 'b').repeat(32);
      const message = n === 4 ? 'binary\n\n\u0000\ufffd' : n === 5 ? 'x'.repeat(60_000) : `m${n}`;
      const entry = containerdFields(n, message);
      return { ...entry, _BOOT_ID: boot, __CURSOR: cursorOf(n).replace(/b=b+/, `b=${boot}`) };
    });
    const other = { ...containerdFields(6, 'not ours'), _SYSTEMD_UNIT: 'ssh.service' };
    await log.put([...fields, other].map((entry) => exportEntry(entry)));
    const follower = start(log.create());
    await follower.until(5);
    await follower.stop();
    const first = follower.entries;
    expect(first.map(({ message }) => message)).toEqual(fields.map((entry) => entry['MESSAGE']));
    const after = first[1];
    if (after === undefined) throw new TypeError('no second entry');
    const next = start(log.create(), { after: positionOf(after) });
    await next.until(3);
    await next.stop();
    expect(next.entries).toEqual(first.slice(2));
  });

  it('show a line that journald cut as one', async () => {
    await using log = await openFiles();
    const stream = { _STREAM_ID: 'a'.repeat(32) };
    const [one, two] = ['x'.repeat(48 * 1024), 'reason="\nforged'];
    await log.put([
      exportEntry({ ...containerdFields(1, one), ...stream, _LINE_BREAK: 'line-max' }),
      exportEntry({ ...containerdFields(2, two), ...stream }),
      exportEntry(containerdFields(3, 'next')),
    ]);
    const follower = start(log.create());
    expect(await follower.until(2)).toEqual([one + two, 'next']);
    await follower.stop();
  });

  it('that were lost are told of by the number of their entries', async () => {
    await using log = await openFiles();
    const entry = (n: number) => exportEntry(containerdFields(n, `m${n}`));
    await log.put([entry(1)]);
    const first = start(log.create());
    await first.until(1);
    await first.stop();
    const [handled] = first.entries;
    if (handled === undefined) throw new TypeError('no entry');
    await log.put([entry(2), entry(3), entry(4)]);
    const cursor = handled.cursor.replace(/;i=1;(.*)x=\w+/, ';i=1;$1x=1');
    const after = { cursor, realtimeUs: handled.realtimeUs - 1 };
    const next = start(log.create(), { after });
    await next.until(3);
    await next.stop();
    expect(next.incidents).toMatchObject([{ kind: 'gap' }]);
  });

  it('that are no journals are complained of, and the others read', async () => {
    await using log = await openFiles();
    writeFileSync(join(log.directory, 'broken.journal'), 'LPKSHHRH and no more');
    await log.put([exportEntry(containerdFields(1, 'm1'))]);
    const follower = start(log.create());
    await follower.until(1);
    await follower.stop();
    expect(follower.incidents).toMatchObject([{ kind: 'complaint' }]);
  });

  it('of which journalctl passes over a part without a word are told of entry by entry', async () => {
    await using log = await openFiles();
    const range = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, at) =>
        exportEntry(containerdFields(from + at, `m${from + at} ${'x'.repeat(200)}`)),
      );
    await log.put(range(1, 3000));
    const file = join(log.directory, 'system.journal');
    const bytes = readFileSync(file);
    // Among the last entries; hash tables are before them, and nothing after.
    const used = bytes.findLastIndex((byte) => byte !== 0);
    const damaged = Math.floor(used * 0.9);
    writeFileSync(
      join(log.directory, 'damaged.journal'),
      bytes.fill(0xff, damaged, damaged + 4096),
    );
    rmSync(file);
    await log.put(range(3001, 3010));
    let [read, missing] = [0, 0];
    const request = {
      since: new Date(0),
      signal: AbortSignal.timeout(60_000),
      onIncident: (incident: FollowIncident) => {
        missing += incident.kind === 'gap' ? (incident.entries ?? NaN) : 0;
      },
    };
    for await (const batch of log.create().follow(request)) {
      // One that lost no more than its message counts: it is one that cannot be read.
      read += batch.length;
      if (batch.at(-1)?.message.startsWith('m3010 ') === true) break;
    }
    expect(missing).toBeGreaterThan(0);
    expect(read + missing).toBe(3010);
  });
});
