// The five validations of one signature envelope, in the specification's order.
import { AgentError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { show } from '../../oci/show.ts';
import { parseEnvelope } from '../signature/envelope.ts';
import { type VerifiedSignature, verifyIntegrity } from '../signature/integrity.ts';
import type { Statement } from '../trustpolicy/statement.ts';
import { type Trust, verifyAuthenticity } from './authenticity.ts';
import { type Evaluation, evaluate } from './evaluation.ts';
import { verifyRevocation } from './revocation.ts';
import { verifyExpiry, verifyValidity } from './validity.ts';

/** A signature as the registry served it; nothing of it is trusted. */
export interface FetchedSignature {
  /** Digest of the signature manifest. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly envelope: Uint8Array;
}

/** What a signature is held against. */
export interface SignatureContext {
  /** The artifact at hand, as the registry described it. */
  readonly artifact: Descriptor;
  readonly statement: Statement;
  /** The trust stores of the statement, or the error that kept them from being loaded. */
  readonly trust: Trust;
  readonly now: Date;
}

/** Performs every validation that the statement asks for. Never throws for what a signature holds. */
export function verifySignature(
  signature: FetchedSignature,
  context: SignatureContext,
): Evaluation {
  const { statement, trust, now } = context;
  let verified: VerifiedSignature | undefined;
  const integral = () => {
    // Integrity is enforced at every level, so nothing after it runs without it.
    if (verified === undefined) throw new TypeError('integrity has not been verified');
    return verified;
  };
  const results = evaluate(
    {
      integrity: () => {
        const candidate = verifyIntegrity(parseEnvelope(signature.envelope, signature.mediaType));
        assertNoPlugin(candidate);
        assertTarget(candidate.target, context.artifact);
        verified = candidate;
        return `${candidate.algorithm} signature over ${candidate.target.digest}`;
      },
      authenticity: () => verifyAuthenticity(integral(), statement, trust),
      expiry: () => verifyExpiry(integral(), now),
      authenticTimestamp: () => verifyValidity(integral(), now),
      revocation: () => verifyRevocation(integral().chain),
    },
    statement.signatureVerification.enforcement,
  );
  return {
    signature: signature.digest,
    signer: verified?.chain[0].subject.text ?? null,
    results,
  };
}

/** signature-specification.md, "Extended attributes": a plugin that is asked for MUST be run. */
function assertNoPlugin(signature: VerifiedSignature): void {
  if (signature.verificationPlugin === undefined) return;
  throw new AgentError(
    'plugin_unsupported',
    `signature: expected none that needs a verification plugin, found ${show(signature.verificationPlugin)}`,
  );
}

/**
 * The last of the specification's steps, but part of integrity here: a signature that was copied
 * from another image is as good as none, at every level.
 */
function assertTarget(signed: Descriptor, artifact: Descriptor): void {
  const equal =
    signed.digest === artifact.digest &&
    signed.size === artifact.size &&
    signed.mediaType === artifact.mediaType;
  if (equal) return;
  throw new AgentError(
    'descriptor_mismatch',
    `signature: expected one made for ${describe(artifact)}, found one for ${describe(signed)}`,
  );
}

function describe({ digest, mediaType, size }: Descriptor): string {
  return `${digest} (${show(mediaType)}, ${size} bytes)`;
}
