// A good signature and what it is held against, for tests to break one thing of.
import { AgentError } from '../../../agent/errors.ts';
import type { PluginVerifyRequest } from '../../../agent/notation/plugin/verify-request.ts';
import type { RevocationStatus } from '../../../agent/notation/revocation/status.ts';
import type { Evidence, Plugin } from '../../../agent/notation/verification/evidence.ts';
import { type Certificate, parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import type { CertificateChain } from '../../../agent/notation/x509/chain.ts';
import { parseTrustPolicy } from '../../../agent/notation/trustpolicy/document.ts';
import { selectStatement } from '../../../agent/notation/trustpolicy/selection.ts';
import type { TrustStoreName } from '../../../agent/notation/trustpolicy/trust-store-name.ts';
import {
  type FetchedSignature,
  type SignatureContext,
  verifySignature,
} from '../../../agent/notation/verification/signature.ts';
import { parseDigest } from '../../../agent/oci/digest.ts';
import { parseDescriptor } from '../../../agent/oci/descriptor.ts';
import { createCa } from '../../support/ca.ts';
import type { TestCertificate } from '../../support/certificate.ts';
import {
  type EnvelopeOptions,
  MEDIA_TYPES,
  signEnvelope,
  TARGET,
} from '../../support/sign-envelope.ts';
import { documentOf, statement, type StatementJson } from '../../support/trust-policy.ts';

export const NOW = new Date('2026-06-01T00:00:00Z');
export const PAST = new Date('2026-05-01T00:00:00Z');
export const ARTIFACT = parseDescriptor(TARGET, 'artifact');
export const SIGNATURE_DIGEST = parseDigest(`sha256:${'cd'.repeat(32)}`);

export const ca = createCa();
export const otherCa = createCa({ name: 'Other' });
export const leaf = ca.issue();

/** Trust in CAs by store name. */
export function trustIn(stores: Readonly<Record<TrustStoreName, TestCertificate>>) {
  return Object.entries(stores).map(([name, { der }]) => ({
    name: name as TrustStoreName,
    certificates: [parseCertificate(der, name)],
  }));
}

/** A statement that trusts `ca:acme` and any identity, with members replaced. */
export function statementOf(changes: StatementJson = {}) {
  const json = statement({ trustedIdentities: ['*'], ...changes });
  return selectStatement(parseTrustPolicy(documentOf([json])), 'example.io/acme/app');
}

/** Strict, with `ca` trusted, unless it is changed. */
export function contextOf(changes: Partial<SignatureContext> = {}): SignatureContext {
  return {
    artifact: ARTIFACT,
    statement: statementOf(),
    trust: trustIn({ 'ca:acme': ca.root }),
    now: NOW,
    ...changes,
  };
}

/** A good signature by `leaf` over `ARTIFACT`, unless it is changed. */
export function signatureOf(changes: Partial<EnvelopeOptions> = {}): FetchedSignature {
  const options = { format: 'jws', signer: leaf, ...changes } as const;
  return {
    digest: SIGNATURE_DIGEST,
    mediaType: MEDIA_TYPES[options.format],
    envelope: signEnvelope(options),
  };
}

/** The evaluation of a signature in short: `outcome` or `outcome code`, by validation type. */
export async function outcomesOf(
  signature: FetchedSignature,
  context: SignatureContext,
  evidence: Evidence = evidenceOf(),
): Promise<Record<string, string>> {
  const { results } = await verifySignature(signature, context, evidence);
  return Object.fromEntries(
    results.map(({ type, outcome, code }) => [
      type,
      code === undefined ? outcome : `${outcome} ${code}`,
    ]),
  );
}

/** What is known where evidence is asked for. */
export interface EvidenceOptions {
  /** Default: no certificate can be revoked. */
  readonly status?: (certificate: Certificate) => RevocationStatus;
  /** The one plugin that is installed, or why there is none. Default: it is missing. */
  readonly plugin?: Plugin | AgentError;
}

/** One question, as it was asked. */
export type Asked =
  | {
      readonly kind: 'revocation';
      readonly chain: CertificateChain;
      readonly authenticSigningTime: Date | undefined;
    }
  | {
      readonly kind: 'plugin';
      readonly name: string;
      readonly minVersion: string | undefined;
    }
  | { readonly kind: 'verify'; readonly request: PluginVerifyRequest };

/** Evidence that answers as a test says, and keeps what it was asked, in order. */
export function evidenceOf({
  status = () => ({ kind: 'not_revocable' }),
  plugin = new AgentError('plugin_missing', 'no such plugin'),
}: EvidenceOptions = {}): Evidence & { readonly asked: readonly Asked[] } {
  const asked: Asked[] = [];
  return {
    asked,
    revocation(chain, authenticSigningTime) {
      asked.push({ kind: 'revocation', chain, authenticSigningTime });
      const belowRoot = chain.slice(0, -1);
      return Promise.resolve(
        belowRoot.map((certificate) => ({ certificate, status: status(certificate) })),
      );
    },
    plugin(name, minVersion) {
      asked.push({ kind: 'plugin', name, minVersion });
      if (plugin instanceof AgentError) return Promise.reject(plugin);
      return Promise.resolve({
        capabilities: plugin.capabilities,
        verify(request) {
          asked.push({ kind: 'verify', request });
          return plugin.verify(request);
        },
      });
    },
  };
}
