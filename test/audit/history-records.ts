// Good lines of the audit trail to change one thing of.
import type { HistoryRecord } from '../../agent/audit/history-record.ts';
import { digestOf, REPOSITORY } from './images.ts';

export function pullOf(changed: Partial<HistoryRecord> = {}): HistoryRecord {
  return {
    time: '2026-08-22T10:00:00.000Z',
    kind: 'pull',
    repository: REPOSITORY,
    digest: digestOf(1),
    name: `${REPOSITORY}:v1`,
    decision: 'allow',
    reason: 'verified',
    message: 'verified by policy statement "production"',
    inconclusive: false,
    mode: 'enforce',
    policy: 'production',
    signature: digestOf(7),
    signer: 'CN=signer,O=example,ST=WA,C=US',
    policyHash: '1'.repeat(64),
    trustHash: '2'.repeat(64),
    durationMs: 12.5,
    via: 'agent',
    before: null,
    ...changed,
  };
}

export function reverificationOf(changed: Partial<HistoryRecord> = {}): HistoryRecord {
  return pullOf({
    kind: 'reverification',
    name: `${REPOSITORY}@${digestOf(1)}`,
    mode: 'none',
    time: '2026-08-22T10:00:00.000Z',
    ...changed,
  });
}
