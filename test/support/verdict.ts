// A good verdict to break one thing of.
import type { Verdict } from '../../agent/notation/verification/verdict.ts';

export function verdictOf(broken: Partial<Verdict>): Verdict {
  return {
    decision: 'allow',
    reason: 'verified',
    message: 'verified by policy statement "production"',
    inconclusive: false,
    repository: 'registry.example/app',
    digest: `sha256:${'ab'.repeat(32)}`,
    policy: 'production',
    level: 'strict',
    signature: `sha256:${'cd'.repeat(32)}`,
    signer: 'CN=signer,O=example,ST=WA,C=US',
    results: [],
    skippedSignatures: { count: 0, first: [] },
    policyHash: '1'.repeat(64),
    trustHash: '2'.repeat(64),
    validUntil: null,
    time: '2026-08-22T10:11:12.123Z',
    durationMs: 12,
    ...broken,
  };
}
