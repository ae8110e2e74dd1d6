// Follows and classifies a journal as `nodeseal run` does, in a process of its own, whose memory can be told.
// Arguments: folder of the journal, how many entries to wait for, `classify` or `record` (in a ledger beside it).
import { join } from 'node:path';
import { intakeJournal, type JournalItem } from '../../agent/audit/journal-intake.ts';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import { keepHeapSmall } from '../../agent/commands/run/heap.ts';
import { createJournalSource } from '../../agent/node/journald/follow.ts';
import { journalReaders } from '../../agent/node/journald/journal-reader.ts';
import { readEntry } from '../../agent/node/journald/reading.ts';

/** What the reading came to. */
export interface JournalReadingReport {
  readonly elapsedMs: number;
  readonly peakMb: number;
  readonly kinds: Readonly<Record<string, number>>;
}

const UNIT = 'containerd.service';
const VERIFIER_PATH = '/opt/containerd/image-verifier/bin/nodeseal-verifier';

const [folder = '', expected = '', mode = ''] = process.argv.slice(2);
keepHeapSmall();
const stop = new AbortController();
const kinds: Record<string, number> = {};
let seen = 0;
let elapsedMs = 0;
const ledger = mode === 'record' ? openLedger(join(folder, 'ledger.sqlite')) : null;
const started = performance.now();
if (ledger === null) for await (const batch of read()) end(batch);
else await record(ledger);
ledger?.close();
const peakMb = (process.resourceUsage().maxRSS * 1024) / 1e6;
process.stdout.write(JSON.stringify({ elapsedMs, peakMb, kinds } satisfies JournalReadingReport));

async function* read(): AsyncGenerator<readonly JournalItem[]> {
  const readers = journalReaders({
    hostRoot: '/',
    journalctl: '/usr/bin/journalctl',
    directory: folder,
  });
  const source = createJournalSource({ readers, unit: UNIT });
  const writers = { unit: UNIT, verifierPath: VERIFIER_PATH };
  const request = { since: new Date(0), signal: stop.signal, onIncident: () => undefined };
  for await (const batch of source.follow(request)) {
    yield batch.map((entry) => {
      const { cursor, realtimeUs, message, pid } = entry;
      return { cursor, realtimeUs, message, pid, reading: readEntry(entry, writers) };
    });
  }
}

async function record(into: Ledger): Promise<void> {
  async function* recorded(): AsyncGenerator<readonly JournalItem[]> {
    for await (const batch of read()) {
      yield batch;
      // The consumer asks for more once the batch is in the ledger.
      end(batch);
    }
  }
  await intakeJournal(into, 'journald', recorded());
}

function end(batch: readonly JournalItem[]): void {
  for (const { reading } of batch) kinds[reading.kind] = (kinds[reading.kind] ?? 0) + 1;
  seen += batch.length;
  if (seen < Number(expected)) return;
  elapsedMs = performance.now() - started;
  stop.abort();
}
