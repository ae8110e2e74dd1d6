// What the signatures of one image come to: the first good one decides.
import { AgentError } from '../errors.ts';
import { SIGNATURE_ARTIFACT_TYPE } from '../notation/signature/manifest.ts';
import {
  allowFor,
  type Decided,
  denyAll,
  isGood,
  type LookedAt,
} from '../notation/verification/decision.ts';
import type { Evidence } from '../notation/verification/evidence.ts';
import { type SignatureContext, verifySignature } from '../notation/verification/signature.ts';
import type { Digest } from '../oci/digest.ts';
import { pinned } from '../oci/reference.ts';
import { candidates } from './candidates.ts';
import { carriedListings } from './carried-signatures.ts';
import { byPreference } from './preference.ts';
import type { Referrers } from './registry/referrers.ts';
import { signatureMissing, type SignatureSource } from './signatures.ts';

/**
 * Looks at the signatures of an image one after the other until one is good. Throws the codes of
 * the registry client, `signature_missing` and `signature_limit_exceeded`.
 */
export async function judge(
  source: SignatureSource,
  context: SignatureContext,
  evidence: Evidence,
  signal: AbortSignal,
): Promise<Decided> {
  const known = await recall(source, context, evidence);
  if (known?.isFinal === true) return known.decided;
  const looked: LookedAt[] = [];
  const seen = new Set<Digest>();
  let truncated = false;
  for await (const { listed, from } of allListings(source, signal)) {
    const fresh = listed.descriptors.filter(({ digest }) => !seen.has(digest));
    const preferred = byPreference(fresh, context.trust);
    for await (const found of candidates(from, preferred, signal)) {
      if (found.kind === 'unusable') {
        looked.push(found);
        // A file that is damaged must not hide the same signature at the registry.
        if (listed.source !== 'bundle') seen.add(found.signature);
        continue;
      }
      const evaluation = await verifySignature(found.signature, context, evidence);
      if (isGood(evaluation)) {
        source.good?.put(source.repository, source.image, found.signature, context.now);
        return allowFor(evaluation, looked);
      }
      looked.push(evaluation);
      seen.add(evaluation.signature);
    }
    truncated = listed.truncated;
  }
  return denied(source, looked, truncated);
}

/** What the signature that was good last comes to now. */
export interface Remembered {
  /** False: it is good no more, and the registry may have another that is. */
  readonly isFinal: boolean;
  readonly decided: Decided;
}

/**
 * Judges by the signature that was good last, which costs no request; undefined when none is known.
 * If it is good no more, it is one of those that the registry lists.
 */
export async function recall(
  { good, repository, image }: SignatureSource,
  context: SignatureContext,
  evidence: Evidence,
): Promise<Remembered | undefined> {
  const known = good?.get(repository, image, context.now);
  if (known === undefined) return undefined;
  const evaluation = await verifySignature(known, context, evidence);
  if (!isGood(evaluation)) return { isFinal: false, decided: denyAll([evaluation]) };
  good?.confirm(repository, image, known);
  return { isFinal: true, decided: allowFor(evaluation) };
}

/** Asks the registry what refers to the image. Throws the codes of the registry client. */
export function listSignatures(
  { registry, repository, image }: SignatureSource,
  signal: AbortSignal,
): Promise<Referrers> {
  return registry.listReferrers(repository, image, SIGNATURE_ARTIFACT_TYPE, signal);
}

/** What was carried in, and then what the registry lists; each with where it is fetched from. */
async function* allListings(
  source: SignatureSource,
  signal: AbortSignal,
): AsyncGenerator<{ readonly listed: Referrers; readonly from: SignatureSource }, void> {
  const ofRegistry = () => listings(source, signal);
  if (source.bundle !== undefined)
    yield* carriedListings(source, source.bundle, ofRegistry, signal);
  else for await (const listed of ofRegistry()) yield { listed, from: source };
}

/**
 * What the registry lists. A list under the tag that was taken because the API was not there a
 * while ago may be a stale one, and a mirror's may lack what the registry has: before such a list
 * refuses an image, the other is asked all the same.
 */
async function* listings(
  source: SignatureSource,
  signal: AbortSignal,
): AsyncGenerator<Referrers, void> {
  const { registry, repository, image } = source;
  const listed = await (source.listed ?? listSignatures(source, signal));
  yield listed;
  const query = [repository, image, SIGNATURE_ARTIFACT_TYPE, signal] as const;
  if (listed.source === 'tag_unasked') {
    const asked = await registry.listReferrersByApi(...query);
    if (asked !== undefined) yield asked;
  }
  if (listed.source === 'mirror') {
    const asked = await registry.listReferrersOfRegistry(...query).catch((error: unknown) => {
      // In a closed network the mirror is all there is: what its signatures lack is the reason.
      if (error instanceof AgentError && !signal.aborted) return undefined;
      throw error;
    });
    if (asked !== undefined) yield asked;
  }
}

function denied(
  { repository, image }: SignatureSource,
  looked: readonly LookedAt[],
  truncated: boolean,
): Decided {
  const what = pinned(repository, image);
  const beyond = truncated ? limitExceeded(what, looked.length) : undefined;
  if (looked.length === 0) throw beyond ?? signatureMissing({ repository, image });
  const decided = denyAll(looked);
  // What could not be judged among those looked at is still the reason, and may be told next time.
  if (beyond !== undefined && !decided.inconclusive) throw beyond;
  return decided;
}

function limitExceeded(what: string, looked: number): AgentError {
  return new AgentError(
    'signature_limit_exceeded',
    `${what}: expected a good signature among the first ${looked}, found none, and there are more`,
  );
}
