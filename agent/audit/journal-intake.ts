// Takes what the journal says into the ledger, batch by batch.
import { type JournalEffect, journalEffects, type JournalReading } from './journal-effects.ts';
import type { JournalPosition } from './journal-table.ts';
import type { Ledger } from './ledger.ts';

/** One entry: where it stands in the journal, and what it says. */
export interface JournalItem extends JournalPosition {
  readonly reading: JournalReading;
}

/**
 * Records batches of entries until they end, each batch as one transaction. `onEffect` is told of
 * each effect once it is in the ledger: for logs, never for counting. Throws `ledger_failed`, or
 * what the batches throw; what was recorded until then stands, and reading can go on after it.
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
    const effects = batch.flatMap((item) => journalEffects(item.reading, item.realtimeUs));
    ledger.recordJournal(source, last, effects);
    effects.forEach(onEffect);
  }
}
