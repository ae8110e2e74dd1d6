// By what the canary is judged: a policy of its own, in memory, which covers two repositories and
// trusts one key for one run.
import { parseTrustPolicy } from '../notation/trustpolicy/document.ts';
import { parseCertificate } from '../notation/x509/certificate.ts';
import type { EvidenceSources } from '../verifier/evidence-sources.ts';
import type { RegistryClient } from '../verifier/registry/client.ts';
import { trustHash } from '../verifier/truststore/trust-store.ts';
import { createVerifier, type Verifier } from '../verifier/verifier.ts';

/** What the agent's other verdicts are made from too. */
export interface CanaryVerifierParts {
  readonly registry: RegistryClient;
  readonly evidence: EvidenceSources;
  readonly clock: { now(): Date };
}

const STORE = 'ca:nodeseal-canary';

/** Creates a verifier that trusts `certificate` for images in `repositories`, and denies all else. */
export function createCanaryVerifier(
  parts: CanaryVerifierParts,
  repositories: readonly string[],
  certificate: Uint8Array,
): Verifier {
  const policy = parseTrustPolicy(Buffer.from(JSON.stringify(policyFor(repositories))));
  const certificates = [parseCertificate(certificate, 'certificate of the canary')];
  return createVerifier({
    ...parts,
    policy: () => Promise.resolve(policy),
    trust: (names) => {
      const stores = names.map((name) => ({ name, certificates }));
      return Promise.resolve({ stores, hash: trustHash(stores), warnings: [] });
    },
  });
}

function policyFor(registryScopes: readonly string[]): object {
  return {
    version: '1.0',
    trustPolicies: [
      {
        name: 'nodeseal-canary',
        registryScopes,
        signatureVerification: { level: 'strict' },
        trustStores: [STORE],
        trustedIdentities: ['*'],
      },
    ],
  };
}
