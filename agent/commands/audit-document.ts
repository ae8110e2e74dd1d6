// A line of the audit trail for programs: the same fields in the audit log and in `nodeseal audit --output json`.
import type { HistoryEntry } from '../audit/history-record.ts';

/** Every field is always there and keeps its meaning; others may be added. */
export function auditDocument(entry: HistoryEntry) {
  const { before } = entry;
  return {
    /** Grows, and is never used again: of a line that is there twice, one is to be dropped. */
    id: entry.id,
    /** RFC 3339. */
    at: entry.time,
    kind: entry.kind,
    decision: entry.decision,
    reason: entry.reason,
    message: entry.message,
    inconclusive: entry.inconclusive,
    name: entry.name,
    repository: entry.repository,
    digest: entry.digest,
    mode: entry.mode,
    admitted: entry.admitted,
    policy: entry.policy,
    signature: entry.signature,
    signer: entry.signer,
    policyHash: entry.policyHash,
    trustHash: entry.trustHash,
    durationMs: entry.durationMs,
    via: entry.via,
    cause: entry.cause,
    before:
      before === null
        ? null
        : { at: before.time, decision: before.decision, reason: before.reason },
  };
}
