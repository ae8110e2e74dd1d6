// Adds the CRLs to a bundle that the certificates of its signatures name.
import { AgentError } from '../errors.ts';
import { parseCertificateList } from '../notation/revocation/certificate-list.ts';
import { verifyCrl } from '../notation/revocation/crl.ts';
import type { Certificate } from '../notation/x509/certificate.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { MAX_LAYERS } from '../oci/manifest.ts';
import { OCI_EMPTY, OCI_MANIFEST } from '../oci/media-types.ts';
import { show } from '../oci/show.ts';
import { CRL_ADDRESS, CRL_MEDIA_TYPE, CRLS_TYPE } from './bundle/layout-index.ts';
import type { LayoutWriter } from './bundle/layout-writer.ts';
import { parseEvidenceAddress } from './evidence/address.ts';
import type { EvidenceClient } from './evidence/client.ts';
import { EVIDENCE_LIMITS } from './evidence/limits.ts';

export interface CollectedCrls {
  readonly crls: readonly CollectedCrl[];
  /** Of CRLs that could not be had. */
  readonly faults: readonly AgentError[];
  /** For the index of the layout; absent without any CRL. */
  readonly entry?: Descriptor;
}

export interface CollectedCrl {
  readonly address: string;
  /** Until then it is evidence. */
  readonly nextUpdate: Date;
}

/** A certificate whose CRLs a verifier may ask for. */
export interface CollectedIssued {
  readonly certificate: Certificate;
  /** Absent where only a trust store has it. */
  readonly issuer: Certificate | undefined;
}

/** Those of some certificates that are not roots, each with its issuer where that is among them. */
export function issuedOf(certificates: readonly Certificate[]): CollectedIssued[] {
  const isIssuer = (one: Certificate, of: Certificate) =>
    Buffer.compare(one.subject.raw, of.issuer.raw) === 0;
  return certificates
    .filter((certificate) => !isIssuer(certificate, certificate))
    .map((certificate) => {
      const issuer = certificates.find((one) => isIssuer(one, certificate));
      return { certificate, issuer };
    });
}

interface UsableList {
  readonly nextUpdate: Date;
  readonly freshest?: readonly string[] | undefined;
}

/** Who uses it verifies it anew; here it is seen early that a server has something else. */
function readList(
  bytes: Uint8Array,
  issuer: Certificate | undefined,
  now: Date,
  what: string,
): UsableList {
  if (issuer !== undefined) return verifyCrl(bytes, issuer, now, what);
  const { nextUpdate, freshest } = parseCertificateList(bytes, what);
  if (nextUpdate !== undefined) return { nextUpdate, freshest };
  throw new AgentError(
    'revocation_evidence_invalid',
    `${what}: expected a next update, found none`,
  );
}

/** Fetches CRLs, each address once. */
export class CrlCollector {
  readonly #client: EvidenceClient;
  readonly #writer: LayoutWriter;
  readonly #now: Date;
  readonly #crls = new Map<string, CollectedCrl & { readonly layer: Descriptor }>();
  readonly #faults = new Map<string, AgentError>();

  constructor(client: EvidenceClient, writer: LayoutWriter, now: Date) {
    this.#client = client;
    this.#writer = writer;
    this.#now = now;
  }

  /** Adds what a verifier would ask for about one certificate, deltas included. */
  async add({ certificate, issuer }: CollectedIssued, signal: AbortSignal): Promise<void> {
    for (const point of certificate.extensions.crlAddresses.slice(0, EVIDENCE_LIMITS.addresses)) {
      const list = await this.#addPoint(point, issuer, signal);
      if (list?.freshest !== undefined) await this.#addPoint(list.freshest, issuer, signal);
    }
  }

  /** Ends the collection. */
  async finish(): Promise<CollectedCrls> {
    const all = [...this.#crls.values()];
    const crls = all.map(({ address, nextUpdate }) => ({ address, nextUpdate }));
    const faults = [...this.#faults.values()];
    if (all.length === 0) return { crls, faults };
    const config = await this.#writer.add(Buffer.from('{}'), OCI_EMPTY);
    const manifest = await this.#writer.addJson({
      ...{ schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType: CRLS_TYPE, config },
      layers: all.map(({ layer }) => layer),
    });
    return { crls, faults, entry: { ...manifest, artifactType: CRLS_TYPE } };
  }

  /** The first address that works: the others are of the same CRL, and it is kept for each. */
  async #addPoint(
    addresses: readonly string[],
    issuer: Certificate | undefined,
    signal: AbortSignal,
  ): Promise<UsableList | undefined> {
    const ofPoint = addresses.slice(0, EVIDENCE_LIMITS.addresses);
    if (ofPoint.every((one) => this.#crls.has(hrefOf(one)))) return undefined;
    for (const address of ofPoint) {
      const what = `CRL from ${show(address)}`;
      try {
        const url = parseEvidenceAddress(address, what);
        const { crlMs: timeoutMs, crlBytes: maxBytes } = EVIDENCE_LIMITS;
        const bytes = await this.#client({ url, timeoutMs, maxBytes, what }, signal);
        const list = readList(bytes, issuer, this.#now, what);
        await this.#keep(ofPoint.map(hrefOf), bytes, list.nextUpdate);
        return list;
      } catch (error) {
        if (!(error instanceof AgentError) || error.code === 'argument_invalid') throw error;
        this.#faults.set(address, error);
      }
    }
    return undefined;
  }

  async #keep(addresses: readonly string[], bytes: Uint8Array, nextUpdate: Date): Promise<void> {
    const blob = await this.#writer.add(bytes, CRL_MEDIA_TYPE);
    for (const address of addresses) {
      if (this.#crls.size >= MAX_LAYERS) {
        const fault = `expected at most ${MAX_LAYERS} addresses of CRLs, found more`;
        throw new AgentError('argument_invalid', `${fault}: name fewer images`);
      }
      this.#faults.delete(address);
      const layer = { ...blob, annotations: { [CRL_ADDRESS]: address } };
      this.#crls.set(address, { address, nextUpdate, layer });
    }
  }
}

/** As a verifier looks it up. */
function hrefOf(address: string): string {
  return URL.parse(address)?.href ?? address;
}
