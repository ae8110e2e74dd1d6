// The lines of the audit trail that were asked for, page by page, and those that are added.
import type { HistoryFilter } from '../audit/history.ts';
import type { HistoryEntry } from '../audit/history-record.ts';
import type { FollowedLedger } from './followed-ledger.ts';

export interface AuditLinesOptions {
  readonly ledger: Pick<FollowedLedger, 'history' | 'watch' | 'changed'>;
  readonly filter: HistoryFilter;
  /** The last so many only; undefined: all. Those that are added later are not counted. */
  readonly limit: number | undefined;
  /** Go on until the signal aborts. */
  readonly follow: boolean;
}

/** So many lines are held at once. No transaction is left open between two pages: the agent writes. */
const PAGE = 500;

/**
 * Yields pages that are never empty. Ids only grow and are never used again, so a line that retention
 * removes is at worst not seen, and none is seen twice. Throws `ledger_failed`.
 */
export async function* auditLines(
  { ledger, filter, limit, follow }: AuditLinesOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly HistoryEntry[], void> {
  // Before anything is read, or what is written meanwhile would be missed.
  if (follow) ledger.watch();
  let id = limit === undefined ? 0 : ledger.history.beforeLast(limit, filter);
  while (!signal.aborted) {
    // Asked first: what is added after this is looked at in the next round.
    const end = ledger.history.lastId();
    const page = end === id ? [] : ledger.history.after(id, filter, PAGE);
    if (page.length > 0) yield page;
    const last = page.at(-1)?.id ?? 0;
    const isMore = page.length === PAGE;
    id = isMore ? last : Math.max(end, last);
    if (isMore) continue;
    if (!follow) return;
    if (await ledger.changed(signal)) id = 0;
  }
}
