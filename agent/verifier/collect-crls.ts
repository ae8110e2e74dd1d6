// Adds the CRLs to a bundle that certificates name.
import { AgentError } from '../errors.ts';
import { parseCertificateList } from '../notation/revocation/certificate-list.ts';
import { verifyCrl } from '../notation/revocation/crl.ts';
import type { Certificate } from '../notation/x509/certificate.ts';
import { show } from '../oci/show.ts';
import { CRLS } from './bundle/evidence-kind.ts';
import type { LayoutWriter } from './bundle/layout-writer.ts';
import { CollectedLayers } from './collected-layers.ts';
import { parseEvidenceAddress } from './evidence/address.ts';
import type { EvidenceClient } from './evidence/client.ts';
import { EVIDENCE_LIMITS } from './evidence/limits.ts';

/** What is told of a CRL. */
export interface CollectedCrl {
  readonly address: string;
  /** Until then it is evidence. */
  readonly nextUpdate: Date;
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
  readonly layers: CollectedLayers<CollectedCrl>;
  readonly #client: EvidenceClient;
  readonly #now: Date;

  constructor(client: EvidenceClient, writer: LayoutWriter, now: Date) {
    this.layers = new CollectedLayers(CRLS, writer);
    this.#client = client;
    this.#now = now;
  }

  /** Adds what a verifier would ask for about one certificate, deltas included. */
  async add(
    certificate: Certificate,
    issuer: Certificate | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    for (const point of certificate.extensions.crlAddresses.slice(0, EVIDENCE_LIMITS.addresses)) {
      const list = await this.#addPoint(point, issuer, signal);
      if (list?.freshest !== undefined) await this.#addPoint(list.freshest, issuer, signal);
    }
  }

  /** The first address that works: the others are of the same CRL, and it is kept for each. */
  async #addPoint(
    addresses: readonly string[],
    issuer: Certificate | undefined,
    signal: AbortSignal,
  ): Promise<UsableList | undefined> {
    const ofPoint = addresses.slice(0, EVIDENCE_LIMITS.addresses).map(hrefOf);
    if (ofPoint.every((one) => this.layers.isKnown(one))) return undefined;
    for (const address of ofPoint) {
      const what = `CRL from ${show(address)}`;
      try {
        const url = parseEvidenceAddress(address, what);
        const { crlMs: timeoutMs, crlBytes: maxBytes } = EVIDENCE_LIMITS;
        const bytes = await this.#client({ url, timeoutMs, maxBytes, what }, signal);
        const list = readList(bytes, issuer, this.#now, what);
        const { nextUpdate } = list;
        for (const one of ofPoint) await this.layers.keep(one, bytes, { address: one, nextUpdate });
        return list;
      } catch (error) {
        this.layers.fail(address, error);
      }
    }
    return undefined;
  }
}

/** As a verifier looks it up. */
function hrefOf(address: string): string {
  return URL.parse(address)?.href ?? address;
}
