// Adds the evidence to a bundle that verifiers would ask for about the certificates of its signatures.
import { AgentError } from '../errors.ts';
import type { Certificate } from '../notation/x509/certificate.ts';
import { isIssuedBy } from '../notation/x509/issuance.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { LayoutWriter } from './bundle/layout-writer.ts';
import { type CollectedCrl, CrlCollector } from './collect-crls.ts';
import { type CollectedOcsp, OcspCollector } from './collect-ocsp.ts';
import type { EvidenceClient } from './evidence/client.ts';

export interface CollectedEvidence {
  readonly crls: readonly CollectedCrl[];
  readonly ocsp: readonly CollectedOcsp[];
  /** Of what could not be had. */
  readonly faults: readonly AgentError[];
  /** For the index of the layout. */
  readonly entries: readonly Descriptor[];
}

/** A certificate whose revocation a verifier may ask for. */
export interface CollectedIssued {
  readonly certificate: Certificate;
  /** Absent where only a trust store has it. */
  readonly issuer: Certificate | undefined;
}

/**
 * Those of some certificates that are not roots, each with its issuer where that is among them or
 * among the `authorities`.
 */
export function issuedOf(
  certificates: readonly Certificate[],
  authorities: readonly Certificate[] = [],
): CollectedIssued[] {
  const all = [...certificates, ...authorities];
  return certificates
    .filter(({ subject, issuer }) => Buffer.compare(subject.raw, issuer.raw) !== 0)
    .map((certificate) => {
      const issuer = all.find((one) => issues(one, certificate));
      return { certificate, issuer };
    });
}

/** An authority may have several keys under one name. */
function issues(issuer: Certificate, certificate: Certificate): boolean {
  try {
    return isIssuedBy(certificate, issuer);
  } catch (error) {
    // A signature or key of a kind that no verifier goes by.
    if (error instanceof AgentError) return false;
    throw error;
  }
}

/** Fetches evidence, each piece once. */
export class EvidenceCollector {
  readonly #crls: CrlCollector;
  readonly #ocsp: OcspCollector;

  constructor(client: EvidenceClient, writer: LayoutWriter, now: Date) {
    this.#crls = new CrlCollector(client, writer, now);
    this.#ocsp = new OcspCollector(client, writer, now);
  }

  /** Adds what a verifier may ask for about one certificate. Throws `argument_invalid`. */
  async add({ certificate, issuer }: CollectedIssued, signal: AbortSignal): Promise<void> {
    await this.#crls.add(certificate, issuer, signal);
    const { ocspAddresses, namesCrl } = certificate.extensions;
    if (ocspAddresses.length === 0) return;
    if (issuer !== undefined) {
      const delegate = await this.#ocsp.add({ certificate, issuer }, signal);
      // Of delegates a verifier goes by CRLs alone.
      if (delegate !== undefined) await this.#crls.add(delegate, issuer, signal);
    } else if (!namesCrl) this.#ocsp.lackIssuer(certificate);
  }

  /** Ends the collection. */
  async finish(): Promise<CollectedEvidence> {
    const kinds = [this.#crls.layers, this.#ocsp.layers] as const;
    const entries: Descriptor[] = [];
    for (const kind of kinds) {
      const entry = await kind.finish();
      if (entry !== undefined) entries.push(entry);
    }
    const faults = kinds.flatMap((kind) => kind.faults);
    return { crls: this.#crls.layers.all, ocsp: this.#ocsp.layers.all, faults, entries };
  }
}
