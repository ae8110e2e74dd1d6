// The verifier of the webhook: the one of pulls, with a memory for what is reviewed again and again.
import type { EvidenceSources } from '../../verifier/evidence-sources.ts';
import { GoodSignatures } from '../../verifier/good-signatures.ts';
import type { InForce } from '../../verifier/in-force.ts';
import { rememberResolutions } from '../../verifier/recent-resolutions.ts';
import type { RegistryClient } from '../../verifier/registry/client.ts';
import { SignatureCache } from '../../verifier/signature-cache.ts';
import { VerifiedEnvelopes } from '../../verifier/verified-envelopes.ts';
import { createVerifier, type Verifier } from '../../verifier/verifier.ts';

export interface AdmissionVerifierParts {
  readonly registry: RegistryClient;
  readonly evidence: EvidenceSources;
  readonly inForce: Pick<InForce, 'policy' | 'trust'>;
  readonly clock: { now(): Date };
}

/** Images of a whole cluster, where a node has its own alone. */
const MAX_SIGNATURE_BYTES = 16 * 1024 * 1024;
/** Of the images that are rolled out at a time; some 5 MiB. */
const MAX_ENVELOPES = 256;

/** Creates it. */
export function createAdmissionVerifier(parts: AdmissionVerifierParts): Verifier {
  const { registry, evidence, inForce, clock } = parts;
  const signatures = new SignatureCache(MAX_SIGNATURE_BYTES);
  return createVerifier({
    ...{ evidence, clock, signatures },
    ...{ policy: inForce.policy, trust: inForce.trust },
    registry: rememberResolutions(registry, () => clock.now().getTime()),
    goodSignatures: new GoodSignatures(signatures),
    envelopes: new VerifiedEnvelopes(MAX_ENVELOPES),
  });
}
