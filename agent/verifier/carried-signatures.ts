// How signatures that were carried in stand beside those of the registry.
import { AgentError, type ErrorCode } from '../errors.ts';
import { SIGNATURE_ARTIFACT_TYPE } from '../notation/signature/manifest.ts';
import type { Decided } from '../notation/verification/decision.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Reference } from '../oci/reference.ts';
import { type Bundle, describeAge, orNothing } from './bundle/bundle.ts';
import type { RegistryClient } from './registry/client.ts';
import type { Referrers } from './registry/referrers.ts';
import { signatureMissing, type SignatureSource } from './signatures.ts';

/** Signatures, and where they are fetched from. */
export interface SourcedListing {
  readonly listed: Referrers;
  readonly from: SignatureSource;
}

/**
 * What the bundle has comes first: where it is good, no registry is asked. Where it is not, an old
 * bundle must not refuse what the registry has a newer signature for; and a registry that cannot be
 * asked then does not hide why those of the bundle are not good.
 */
export async function* carriedListings(
  source: SignatureSource,
  bundle: Bundle,
  ofRegistry: () => AsyncIterable<Referrers>,
  signal: AbortSignal,
): AsyncGenerator<SourcedListing, void> {
  const carried = await listCarried(bundle, source.image);
  const hasCarried = !(carried instanceof AgentError) && carried.descriptors.length > 0;
  if (hasCarried) {
    yield {
      listed: carried,
      from: { ...source, registry: { ...source.registry, ...bundle.content } },
    };
  }
  let isNothingListed = true;
  try {
    for await (const listed of ofRegistry()) {
      if (listed.descriptors.length > 0 || listed.truncated) isNothingListed = false;
      yield { listed, from: source };
    }
  } catch (error) {
    if (!(error instanceof AgentError) || signal.aborted) throw error;
    if (hasCarried) return;
    if (!(carried instanceof AgentError)) throw error;
    throw new AgentError(error.code, `${error.message}; ${carried.message}`, { cause: error });
  }
  // In a closed network it is the bundle that was to have one.
  if (isNothingListed && carried instanceof AgentError) throw signatureMissing(source, carried);
}

async function listCarried(bundle: Bundle, image: Digest): Promise<Referrers | AgentError> {
  try {
    return await bundle.list(image, SIGNATURE_ARTIFACT_TYPE);
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}

/**
 * The registry could not say what a name stands for, nor that it stands for nothing. That it denies us is an
 * answer: whoever makes a pod chooses the credentials that the webhook asks with, and with none that is
 * taken would choose that a tag means what it meant when the bundle was made, while kubelet pulls what it means
 * now. A forward proxy that lets nobody out is no registry: its refusal is `registry_unreachable`.
 */
const UNASKED: ReadonlySet<ErrorCode> = new Set([
  'registry_unreachable',
  'registry_timeout',
  'registry_busy',
  'registry_failed',
] as const);

/** What a name stands for: by the registry, and by the bundle only where the registry cannot say. */
export async function resolveCarried(
  { bundle }: { readonly bundle?: Bundle },
  registry: RegistryClient,
  reference: Reference,
  signal: AbortSignal,
): Promise<Descriptor> {
  try {
    return await registry.resolve(reference, signal);
  } catch (error) {
    const isUnasked = error instanceof AgentError && UNASKED.has(error.code) && !signal.aborted;
    const carried = isUnasked && bundle && (await orNothing(bundle.resolve(reference)));
    if (!carried) throw error;
    return carried;
  }
}

/** Where the signature that decided is one of the bundle, the message says how old that is. */
export async function withBundleAge(
  decided: Decided,
  bundle: Bundle | undefined,
  image: Digest,
  now: Date,
): Promise<Decided> {
  if (bundle === undefined || decided.signature === null) return decided;
  const carried = await orNothing(bundle.list(image, SIGNATURE_ARTIFACT_TYPE));
  if (!carried?.descriptors.some(({ digest }) => digest === decided.signature)) return decided;
  const age = await orNothing(describeAge(bundle, 'its signature is in', now));
  return age === undefined ? decided : { ...decided, message: `${decided.message}; ${age}` };
}
