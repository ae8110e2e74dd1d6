// What a node asks the webhook, to hold its own verdict on an image against: a review that admits nothing. Pure.
import { AgentError } from '../errors.ts';
import type { Decision } from '../notation/verification/verdict.ts';
import { isJsonObject } from '../oci/json-object.ts';
import type { Answer } from './answer.ts';
import type { ImageVerdict } from './judgement.ts';

/** What the webhook would say of an image, and by which policy and trust. */
export interface AdmissionOpinion {
  readonly decision: Decision;
  readonly reason: string;
  readonly inconclusive: boolean;
  readonly policyHash: string | null;
  readonly trustHash: string | null;
}

/** Where it is asked. */
export const COMPARISON_PATH = '/compare';

/** Hashes have 64 characters, and the longest reason has fewer. */
const MAX_TEXT_LENGTH = 80;

/** The body of the request: a pod with this image alone, as in a dry run. */
export function comparisonReview(image: string): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      ...{ uid: 'comparison', operation: 'CREATE', dryRun: true },
      resource: { group: '', version: 'v1', resource: 'pods' },
      object: { spec: { containers: [{ name: 'image', image }] } },
    },
  };
}

/** The answer to it. The verdict is in the annotations, where no mode changes it. */
export function compared([one]: readonly ImageVerdict[]): Answer {
  const { verdict } = one ?? {};
  const annotations = {
    decision: verdict?.decision ?? 'deny',
    reason: verdict?.reason ?? '',
    inconclusive: String(verdict?.inconclusive ?? true),
    ...(typeof verdict?.policyHash === 'string' && { policyHash: verdict.policyHash }),
    ...(typeof verdict?.trustHash === 'string' && { trustHash: verdict.trustHash }),
  };
  return { allowed: true, warnings: [], patch: [], annotations };
}

/** Reads the answer. Throws `kubernetes_failed`. */
export function parseComparison(body: Uint8Array): AdmissionOpinion {
  const annotations = annotationsOf(body);
  const text = (member: string): string | null => {
    const value = annotations[member];
    return typeof value === 'string' && value.length <= MAX_TEXT_LENGTH ? value : null;
  };
  const [decision, reason, inconclusive] = ['decision', 'reason', 'inconclusive'].map(text);
  if ((decision !== 'allow' && decision !== 'deny') || typeof reason !== 'string') {
    throw new AgentError('kubernetes_failed', 'admission webhook: expected a verdict, found none');
  }
  const hashes = { policyHash: text('policyHash'), trustHash: text('trustHash') };
  return { decision, reason, inconclusive: inconclusive !== 'false', ...hashes };
}

function annotationsOf(body: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new AgentError('kubernetes_failed', 'admission webhook: expected JSON', { cause });
  }
  const response = isJsonObject(value) ? value['response'] : undefined;
  const annotations = isJsonObject(response) ? response['auditAnnotations'] : undefined;
  return isJsonObject(annotations) ? annotations : {};
}
