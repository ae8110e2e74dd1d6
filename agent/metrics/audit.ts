// The metrics of the audit trail: verdicts that turned, disagreements with containerd, and the room that the ledger takes.
import type { Registry } from 'prom-client';
import { declarers } from './declarers.ts';
import {
  DECISIONS,
  DISAGREEMENTS,
  label,
  OTHER,
  REMOVAL_CAUSES,
  type RemovalCauseName,
} from './labels.ts';
import type { AuditSource } from './sources.ts';

/** Declares them. `read` reads the ledger; what throws then has no samples, and `onError` is told. */
export function declareAudit(
  registry: Registry,
  { flips, disagreements, ledgerSpace }: AuditSource,
  onError: (error: unknown) => void,
): {
  readonly countRemoved: (cause: RemovalCauseName, count: number) => void;
  readonly read: () => void;
} {
  const { counter, gauge } = declarers(registry);
  const turned = counter(
    'verdict_flips_total',
    'Verdicts on an image that say otherwise than the one before.',
    ...['from', 'to'],
  );
  const contradicted = counter(
    'disagreements_total',
    'Images found that containerd let in and we would deny (let_in), or the reverse (refused).',
    ...['kind', 'cause'],
  );
  const bytes = gauge(
    'ledger_bytes',
    'Size of the ledger: what it holds, and what is free.',
    'part',
  );
  const removed = counter('ledger_removed_rows_total', 'Rows that retention removed.', 'cause');
  for (const cause of REMOVAL_CAUSES) removed.inc({ cause }, 0);
  const reads = [
    () => {
      const found = flips();
      for (const [from, to] of [DECISIONS, [...DECISIONS].reverse()]) turned.inc({ from, to }, 0);
      for (const { from, to, count } of found) {
        turned.inc({ from: label(DECISIONS, from), to: label(DECISIONS, to) }, count);
      }
    },
    () => {
      const found = disagreements();
      for (const [kind, causes] of DISAGREEMENTS) {
        for (const cause of causes) contradicted.inc({ kind, cause }, 0);
      }
      for (const { kind, cause, count } of found) {
        const causes = DISAGREEMENTS.get(kind);
        const labels =
          causes === undefined
            ? { kind: OTHER, cause: OTHER }
            : { kind, cause: label(causes, cause) };
        contradicted.inc(labels, count);
      }
    },
    () => {
      const { file, free } = ledgerSpace();
      bytes.set({ part: 'used' }, file - free);
      bytes.set({ part: 'free' }, free);
    },
  ];
  return {
    countRemoved: (cause, count) => removed.inc({ cause }, count),
    read: () => {
      for (const metric of [turned, contradicted, bytes]) metric.reset();
      for (const read of reads) {
        try {
          read();
        } catch (error) {
          onError(error);
        }
      }
    },
  };
}
