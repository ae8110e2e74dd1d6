// Which signature of an image to look at first. Pure.
import { AgentError } from '../errors.ts';
import { hashHex } from '../notation/encoding/crypto.ts';
import type { TrustStore } from '../notation/verification/authenticity.ts';
import type { Descriptor } from '../oci/descriptor.ts';

/** signature-specification.md, "OCI Signatures": SHA-256 of the certificates of the signing chain. */
const THUMBPRINTS = 'io.cncf.notary.x509chain.thumbprint#S256';

/** A chain of ten certificates takes a sixth of this. */
const MAX_THUMBPRINTS_CHARACTERS = 4096;

/** Signatures in the order in which to look at them. */
export interface Preferred {
  readonly descriptors: readonly Descriptor[];
  /** Whether the first says that it was made under a certificate of the trust stores. */
  readonly startsLikely: boolean;
}

/**
 * Puts those first that say they were made under a certificate of the trust stores; otherwise the
 * order stays. Anybody who may push can say so, or leave it out: it is a hint, and decides nothing.
 */
export function byPreference(
  descriptors: readonly Descriptor[],
  trust: readonly TrustStore[],
): Preferred {
  if (descriptors.length < 2) return { descriptors, startsLikely: false };
  const trusted = new Set(
    trust.flatMap(({ certificates }) =>
      certificates instanceof AgentError
        ? []
        : certificates.map(({ raw }) => hashHex('sha256', raw)),
    ),
  );
  const hinted = new Set(descriptors.filter((descriptor) => namesAny(descriptor, trusted)));
  const others = descriptors.filter((descriptor) => !hinted.has(descriptor));
  return { descriptors: [...hinted, ...others], startsLikely: hinted.size > 0 };
}

/** A JSON array of hexadecimal text, in either case; that it is well formed is of no consequence. */
function namesAny({ annotations }: Descriptor, trusted: ReadonlySet<string>): boolean {
  const text = (annotations?.[THUMBPRINTS] ?? '').slice(0, MAX_THUMBPRINTS_CHARACTERS);
  const named = text.toLowerCase().match(/\b[0-9a-f]{64}\b/g) ?? [];
  return named.some((thumbprint) => trusted.has(thumbprint));
}
