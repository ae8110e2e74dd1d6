// The real journalctl over real journal files: as a source of the log, and with files that come, go and are no good.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJournalSource } from '../../../agent/node/journald/follow.ts';
import { journalReaders } from '../../../agent/node/journald/journal-reader.ts';
import { containerdFields, exportEntry } from '../../support/journal.ts';
import { describeWithJournalFiles, writeJournalFile } from '../../support/journal-files.ts';
import { describeSource, messageOf, type SourceHarness } from './source-conformance.ts';

const UNIT = 'containerd.service';
/** Nobody is asked whether there is more. */
const PATIENT = { firstMs: 60_000, nextMs: 60_000, stalledMs: 60_000 };

async function open(): Promise<SourceHarness> {
  const folder = mkdtempSync(join(tmpdir(), 'journal-'));
  const directory = join(folder, 'journal');
  mkdirSync(directory);
  const file = join(directory, 'system.journal');
  const put = (entries: readonly Buffer[]) => writeJournalFile(file, Buffer.concat(entries));
  const entryOf = (n: number, message: string | Buffer) =>
    exportEntry({ ...containerdFields(n, ''), MESSAGE: message });
  return Promise.resolve({
    create: () =>
      createJournalSource({
        readers: journalReaders({ hostRoot: '/', journalctl: 'journalctl', directory }),
        unit: UNIT,
        patience: PATIENT,
      }),
    write: (from, to) =>
      put(
        Array.from({ length: to - from + 1 }, (_, at) => entryOf(from + at, messageOf(from + at))),
      ),
    writeRaw: (n, message) => put([entryOf(n, message)]),
    lose: async () => {
      for (const name of readdirSync(directory)) rmSync(join(directory, name));
      return Promise.resolve();
    },
    close: async () => {
      rmSync(folder, { recursive: true, force: true });
      return Promise.resolve();
    },
  });
}

describeWithJournalFiles('journal files', () => {
  describeSource('the journal', open);
});
