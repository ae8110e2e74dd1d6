// A line of the audit log for one image of one review, with the fields that a node's lines have.
import type { AdmissionMode } from '../../webhook/answer.ts';
import type { ImageVerdict } from '../../webhook/judgement.ts';
import type { Review } from '../../webhook/review.ts';

/** Every field is always there and keeps its meaning; see `auditDocument`. */
export function admissionLine(
  { request, answer }: Pick<Review, 'request' | 'answer'>,
  { name, uses, verdict }: ImageVerdict,
  mode: AdmissionMode,
) {
  const { resource, subresource, group } = request.resource;
  return {
    /** Of a ledger, which the webhook has not. */
    id: null,
    at: verdict.time,
    kind: 'admission',
    decision: verdict.decision,
    reason: verdict.reason,
    message: verdict.message,
    inconclusive: verdict.inconclusive,
    name,
    repository: verdict.repository,
    digest: verdict.digest,
    mode,
    /** Of the whole object: one image may keep others out. */
    admitted: answer.allowed,
    policy: verdict.policy,
    signature: verdict.signature,
    signer: verdict.signer,
    policyHash: verdict.policyHash,
    trustHash: verdict.trustHash,
    durationMs: verdict.durationMs,
    via: 'webhook',
    cause: null,
    before: null,
    /** What was reviewed. */
    object: {
      ...{ group, resource, subresource, namespace: request.namespace, name: request.name },
      ...{ operation: request.operation, dryRun: request.isDryRun },
      used: uses.map((use) => `${use.role} ${use.name}`),
    },
  };
}
