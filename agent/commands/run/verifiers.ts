// The verifiers of the agent over one memory: of pulls, and of what is on the node already.
import type { Logger } from 'pino';
import type { Ledger } from '../../audit/ledger.ts';
import type { CanaryVerifierParts } from '../../enforcement/canary-verifier.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Bundle } from '../../verifier/bundle/bundle.ts';
import { patiently } from '../../verifier/evidence-sources.ts';
import { GoodSignatures } from '../../verifier/good-signatures.ts';
import type { InForce } from '../../verifier/in-force.ts';
import { SignatureCache } from '../../verifier/signature-cache.ts';
import { StoredSignatures } from '../../verifier/stored-signatures.ts';
import { VerifiedEnvelopes } from '../../verifier/verified-envelopes.ts';
import { createVerifier, type RecallingVerifier, type Verifier } from '../../verifier/verifier.ts';
import { counted } from './registry-requests.ts';

export interface VerifiersParts {
  /** What verdicts are made from beside policy and trust. */
  readonly verdicts: CanaryVerifierParts;
  /** Signatures that were carried in. */
  readonly bundle?: Bundle | undefined;
  readonly inForce: Pick<InForce, 'policy' | 'trust'>;
  readonly ledger: Pick<Ledger, 'signatures'>;
  readonly metrics: Pick<Metrics, 'countError' | 'countSignatureLookup'>;
  readonly log: Pick<Logger, 'warn'>;
}

/**
 * `pulls` asks the registry for what was not pulled within the hour, and does not wait for the ledger.
 * `outOfBand` knows what the ledger keeps; the envelopes that it verifies, some hundreds after a
 * change of policy, do not push those of pulls out of memory, and it leaves responders and CRL servers
 * that failed alone for longer.
 */
export function createVerifiers(all: VerifiersParts): {
  readonly pulls: Verifier;
  readonly outOfBand: RecallingVerifier;
} {
  const { verdicts, bundle, inForce, ledger, metrics, log } = all;
  const { policy, trust } = inForce;
  const signatures = new SignatureCache();
  const recent = new GoodSignatures(signatures);
  const kept = new StoredSignatures(recent, ledger.signatures, ({ code, message }) => {
    metrics.countError(code);
    log.warn({ code }, `a signature is not known from the ledger: ${message}`);
  });
  const parts = { ...verdicts, policy, trust, signatures, ...(bundle && { bundle }) };
  return {
    pulls: createVerifier({
      ...parts,
      goodSignatures: counted(recent, metrics),
      envelopes: new VerifiedEnvelopes(),
    }),
    outOfBand: createVerifier({
      ...parts,
      evidence: patiently(verdicts.evidence),
      goodSignatures: kept,
    }),
  };
}
