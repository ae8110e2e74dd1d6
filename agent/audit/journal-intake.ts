// Takes what the journal says into the ledger, batch by batch.
import { type JournalEffect, journalEffects } from './journal-effects.ts';
import type { JournalReading } from './journal-reading.ts';
import type { JournalPosition } from './journal-table.ts';
import type { Ledger } from './ledger.ts';

/** One entry: where it stands in the journal, and what it says. */
export interface JournalItem extends JournalPosition {
  readonly reading: JournalReading;
  readonly message: string;
  /** Of its writer. */
  readonly pid: number | undefined;
}

/**
 * Records batches of entries until they end, each batch as one transaction. `onEffect` is told of
 * each effect that counted once it is in the ledger: for logs, never for counting. Throws
 * `ledger_failed`, or what the batches throw; what was recorded until then stands, and reading can go
 * on after it.
 */
export async function intakeJournal(
  ledger: Pick<Ledger, 'recordJournal'>,
  source: string,
  batches: AsyncIterable<readonly JournalItem[]>,
  onEffect: (effect: JournalEffect) => void = () => {},
): Promise<void> {
  for await (const batch of batches) {
    const last = batch.at(-1);
    if (last === undefined) continue;
    const effects = batch.flatMap((item) =>
      journalEffects(item.reading, item.realtimeUs, identityOf(item)),
    );
    ledger.recordJournal(source, last, effects).forEach(onEffect);
  }
}

/**
 * containerd's lines hold their time to the nanosecond, and a verifier writes one verdict line. What
 * is neither may well be written twice, and is told apart by when it was.
 */
function identityOf({ reading, message, pid, realtimeUs }: JournalItem): string {
  switch (reading.kind) {
    case 'verdict':
      return `${pid ?? ''} ${message}`;
    case 'containerd':
      return message;
    case 'untrusted_verdict':
    case 'unreadable':
    case 'nothing':
      return `${realtimeUs} ${message}`;
  }
}
