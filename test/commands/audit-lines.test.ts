// The lines that `nodeseal audit` prints: page by page, and with no look at the ledger that nothing called for.
import { expect, it } from 'vitest';
import type { HistoryEntry } from '../../agent/audit/history-record.ts';
import { auditLines } from '../../agent/commands/audit-lines.ts';
import { pullOf } from '../audit/history-records.ts';

/** A ledger of lines that are added by hand, and how often it was read. */
function fakeLedger(count: number) {
  const lines: HistoryEntry[] = [];
  const changes: (() => boolean)[] = [];
  const add = (): void => {
    lines.push({ ...pullOf(), id: lines.length + 1, admitted: true, cause: null });
  };
  for (let n = 0; n < count; n += 1) add();
  const ledger = {
    reads: 0,
    add,
    changes,
    history: {
      lastId: () => lines.at(-1)?.id ?? 0,
      beforeLast: (last: number) => Math.max(0, lines.length - last),
      after: (id: number, _: object, limit: number) => {
        ledger.reads += 1;
        return lines.filter((line) => line.id > id).slice(0, limit);
      },
    },
    watch: () => {},
    changed: () => Promise.resolve(changes.shift()?.() ?? false),
  };
  return ledger;
}

const ALL = { filter: {}, limit: undefined };

it('reads a long trail in pages, the last of which is not full', async () => {
  const ledger = fakeLedger(1200);
  const pages: number[] = [];
  const signal = new AbortController().signal;
  for await (const page of auditLines({ ledger, ...ALL, follow: false }, signal)) {
    pages.push(page.length);
  }
  expect(pages).toEqual([500, 500, 200]);
});

it('reads once for each change that added lines, and not for others', async () => {
  const ledger = fakeLedger(1);
  const stop = new AbortController();
  const nothing = () => false;
  const added = () => {
    ledger.add();
    return false;
  };
  const last = () => {
    stop.abort();
    return false;
  };
  ledger.changes.push(nothing, nothing, added, nothing, added, last);
  const ids: number[] = [];
  for await (const page of auditLines({ ledger, ...ALL, follow: true }, stop.signal)) {
    ids.push(...page.map(({ id }) => id));
  }
  expect(ids).toEqual([1, 2, 3]);
  expect(ledger.reads).toBe(3);
});

it('begins anew with a ledger that is another', async () => {
  const ledger = fakeLedger(2);
  const stop = new AbortController();
  ledger.changes.push(
    () => true,
    () => {
      stop.abort();
      return false;
    },
  );
  const ids: number[] = [];
  const options = { ledger, filter: {}, limit: 1, follow: true };
  for await (const page of auditLines(options, stop.signal)) ids.push(...page.map(({ id }) => id));
  expect(ids).toEqual([2, 1, 2]);
});
