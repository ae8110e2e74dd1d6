// What the API server is answered: AdmissionReview v1 of admission.k8s.io.
import { digestPatch, type ImagePatch } from './digest-patch.ts';
import type { ImageVerdict } from './judgement.ts';
import { denialMessage, warningMessages } from './sentence.ts';

/** Whether an object is refused for its images, or let in with a warning. */
export type AdmissionMode = 'enforce' | 'audit';

/** What a review came to. */
export interface Answer {
  readonly allowed: boolean;
  /** Of a refusal: HTTP's status, and what is shown. */
  readonly status?: { readonly code: number; readonly message: string };
  readonly warnings: readonly string[];
  readonly patch: readonly ImagePatch[];
  /** For the audit log of the API server, by key. */
  readonly annotations: Readonly<Record<string, string>>;
}

const FORBIDDEN = 403;
/** Annotations are written with each request; more images than these are for our own audit log. */
const MAX_ANNOTATED = 10;

/** The answer of `/validate`. */
export function validated(verdicts: readonly ImageVerdict[], mode: AdmissionMode): Answer {
  const isBinding = mode === 'enforce';
  const denied = verdicts.filter(({ verdict }) => verdict.decision === 'deny');
  const about = {
    ...{ warnings: warningMessages(verdicts, isBinding), patch: [] },
    annotations: annotationsOf(verdicts),
  };
  if (!isBinding || denied.length === 0) return { allowed: true, ...about };
  const message = denialMessage(denied, verdicts.length);
  return { allowed: false, status: { code: FORBIDDEN, message }, ...about };
}

/** The answer of `/mutate`, which refuses nothing. */
export function mutated(verdicts: readonly ImageVerdict[]): Answer {
  return { allowed: true, warnings: [], patch: digestPatch(verdicts), annotations: {} };
}

/** The answer about an object that cannot be judged: no mode lets it in, because no verdict would be recorded. */
export function refused(code: number, message: string): Answer {
  return { allowed: false, status: { code, message }, warnings: [], patch: [], annotations: {} };
}

/** The bytes of the answer to the request with this UID. */
export function encodeAnswer(uid: string, answer: Answer): Uint8Array {
  const { allowed, status, warnings, patch, annotations } = answer;
  const response = {
    ...{ uid, allowed },
    ...(status && { status }),
    ...(warnings.length > 0 && { warnings }),
    ...(patch.length > 0 && {
      patchType: 'JSONPatch',
      patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
    }),
    ...(Object.keys(annotations).length > 0 && { auditAnnotations: annotations }),
  };
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
  return Buffer.from(JSON.stringify(review));
}

/** What was decided, by digest, so that the cluster's audit log can be compared with that of a node. */
function annotationsOf(verdicts: readonly ImageVerdict[]): Readonly<Record<string, string>> {
  if (verdicts.length === 0) return {};
  const lines = verdicts.slice(0, MAX_ANNOTATED).map(({ verdict }) => {
    const { repository, digest, decision, reason } = verdict;
    return `${decision} ${reason} ${digest === null ? repository : `${repository}@${digest}`}`;
  });
  return { images: lines.join('; ') };
}
