// Whether the certificates of a chain have been revoked, by asking whom they name.
import { withDeadline } from '../../deadline.ts';
import { AgentError } from '../../errors.ts';
import type {
  CertificateRevocation,
  IssuedCertificate,
  RevocationStatus,
} from '../../notation/revocation/status.ts';
import type { CertificateChain } from '../../notation/x509/chain.ts';
import { show } from '../../oci/show.ts';
import type { Resolve } from './address.ts';
import type { RevocationOptions } from './asker.ts';
import type { CarriedEvidence } from './carried.ts';
import { createEvidenceClient, resolveBySystem } from './client.ts';
import { CrlFiles } from './crl-files.ts';
import { CrlSource } from './crl-source.ts';
import type { Proxies } from './exchange.ts';
import { combined } from './failure.ts';
import { EVIDENCE_LIMITS, type EvidenceLimits } from './limits.ts';
import { OcspSource } from './ocsp-source.ts';

/** Fetches and keeps OCSP answers and CRLs; keeps no verdict that follows from them. */
export interface RevocationSource {
  /**
   * One status for each certificate but the last, which is the root; a self-signed leaf has none. The
   * caller guarantees that the chain is verified and anchored in a trust store: its certificates choose
   * whom this node calls. Never rejects for what responders do, nor when the signal ends it: what is
   * not known by then is `unknown`, with the code `revocation_unknown`, `revocation_unreachable`,
   * `revocation_address_refused` or `revocation_evidence_invalid`.
   */
  check(
    chain: CertificateChain,
    options: RevocationOptions,
    signal: AbortSignal,
  ): Promise<readonly CertificateRevocation[]>;
  /** When the first CRL ends of those in use, or did; null without any. */
  firstCrlEnd(): Date | null;
  /** When the first OCSP answer ends, or did, of those in use that were carried in; null without any. */
  firstCarriedOcspEnd(): Date | null;
  /** Ends what is being fetched. */
  close(): Promise<void>;
}

export interface RevocationSourceOptions {
  readonly clock: { now(): Date };
  /** A folder of its own for CRLs, made when it is first needed; absent: memory only. */
  readonly cacheDir?: string;
  /** See `CrlSourceOptions`. */
  readonly carried?: CarriedEvidence | undefined;
  readonly limits?: Partial<EvidenceLimits>;
  /** Default: the system's own resolution of names. */
  readonly resolve?: Resolve;
  /** Default: none is asked. */
  readonly proxies?: Proxies | undefined;
}

/** Nothing is fetched, and no file is touched, before `check`. */
export function createRevocationSource(options: RevocationSourceOptions): RevocationSource {
  const { clock, cacheDir, carried, proxies, resolve = resolveBySystem } = options;
  const limits = { ...EVIDENCE_LIMITS, ...options.limits };
  const client = createEvidenceClient(limits, { resolve, proxies });
  const maxima = { maxFileBytes: limits.crlBytes, maxBytes: limits.crlDiskBytes };
  const files = cacheDir === undefined ? undefined : new CrlFiles(cacheDir, maxima);
  const crls = new CrlSource({ client, clock, limits, files, carried });
  const ocsp = new OcspSource({ client, clock, limits, crls, carried });
  return {
    check: (chain, options, signal) =>
      withDeadline(signal, limits.overallMs, (ending) =>
        Promise.all(
          issuedCertificates(chain).map(async (issued) => {
            const status = await statusOf([ocsp, crls], issued, options, ending);
            return { certificate: issued.certificate, status };
          }),
        ),
      ),
    firstCrlEnd: () => crls.firstEnd(),
    firstCarriedOcspEnd: () => ocsp.firstCarriedEnd(),
    close: async () => {
      await Promise.all([ocsp.close(), crls.close()]);
    },
  };
}

function issuedCertificates(chain: CertificateChain): IssuedCertificate[] {
  return chain.flatMap((certificate, index) => {
    const issuer = chain[index + 1];
    return issuer === undefined ? [] : [{ certificate, issuer }];
  });
}

/** trust-store-trust-policy.md, "Certificate Revocation Evaluation": OCSP first, CRLs if it cannot tell. */
async function statusOf(
  [ocsp, crls]: readonly [OcspSource, CrlSource],
  issued: IssuedCertificate,
  options: RevocationOptions,
  signal: AbortSignal,
): Promise<RevocationStatus> {
  const { namesOcsp, namesCrl } = issued.certificate.extensions;
  if (!namesOcsp && !namesCrl) return { kind: 'not_revocable' };
  const errors: AgentError[] = [];
  const means = [namesOcsp && ocsp, namesCrl && crls].filter((one) => one !== false);
  for (const source of means) {
    try {
      const status = await source.status(issued, options, signal);
      if (status.kind !== 'unknown') return status;
      errors.push(status.error);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      errors.push(error);
    }
  }
  const what = `certificate ${show(issued.certificate.subject.text)}: `;
  return { kind: 'unknown', error: combined(errors, what) };
}
