// The status of a certificate from the OCSP responders that it names.
import { AgentError } from '../../errors.ts';
import { hashHex } from '../../notation/encoding/crypto.ts';
import { certIdLabel } from '../../notation/revocation/cert-id.ts';
import {
  ocspStatus,
  type VerifiedOcspAnswer,
  verifyOcspResponse,
} from '../../notation/revocation/ocsp.ts';
import { encodeOcspRequest } from '../../notation/revocation/ocsp-request.ts';
import type { IssuedCertificate, RevocationStatus } from '../../notation/revocation/status.ts';
import { show } from '../../oci/show.ts';
import { parseEvidenceAddress } from './address.ts';
import type { EvidenceAsker, RevocationOptions } from './asker.ts';
import { type CarriedEvidence, carriedOr, type Sourced, withTerms } from './carried.ts';
import type { EvidenceClient, EvidenceRequest } from './client.ts';
import type { CrlSource } from './crl-source.ts';
import { EvidenceCache, type KeptEvidence, type Renewed } from './evidence-cache.ts';
import { combined, within } from './failure.ts';
import { type EvidenceLimits, IN_USE_MS } from './limits.ts';

export interface OcspSourceOptions {
  readonly client: EvidenceClient;
  readonly clock: { now(): Date };
  readonly limits: EvidenceLimits;
  /** Tells whether a delegate of the issuer has been revoked. */
  readonly crls: CrlSource;
  /** Absent: nothing was carried in. */
  readonly carried?: CarriedEvidence | undefined;
}

type KeptAnswer = VerifiedOcspAnswer & KeptEvidence & Sourced;

/** RFC 5019 5: what is no longer than this can be asked for by GET, which caches on the way understand. */
const MAX_GET_CHARACTERS = 254;

/** Keeps the answers of responders, each until its time, in memory only. */
export class OcspSource {
  readonly #options: OcspSourceOptions;
  readonly #cache: EvidenceCache<KeptAnswer>;

  constructor(options: OcspSourceOptions) {
    const { clock, limits } = options;
    this.#options = options;
    this.#cache = new EvidenceCache({
      clock,
      maxBytes: limits.ocspMemoryBytes,
      freshMs: limits.ocspFreshMs,
      ...limits,
    });
  }

  /**
   * When the first answer ends, or did, of those in use that were carried in; null without any. What
   * responders say is asked for again long before.
   */
  firstCarriedEnd(): Date | null {
    return this.#cache.firstEnd(IN_USE_MS, ({ isCarried }) => isCarried);
  }

  close(): Promise<void> {
    return this.#cache.close();
  }

  /**
   * Asks one responder after the other until one gives a status, be it `unknown`. Throws the error of
   * them all.
   */
  async status(
    issued: IssuedCertificate,
    options: RevocationOptions,
    signal: AbortSignal,
  ): Promise<RevocationStatus> {
    const errors: AgentError[] = [];
    const addresses = issued.certificate.extensions.ocspAddresses;
    for (const address of addresses.slice(0, this.#options.limits.addresses)) {
      const what = `OCSP response from ${show(address)}`;
      try {
        const answer = await within(
          () => this.#answer(address, issued, options, what),
          signal,
          what,
        );
        await this.#assertDelegate(answer, what, issued, options, signal);
        return withTerms(ocspStatus(answer, options.authenticSigningTime, what), [answer]);
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        errors.push(error);
      }
    }
    throw combined(errors);
  }

  async #answer(
    address: string,
    issued: IssuedCertificate,
    asker: EvidenceAsker,
    what: string,
  ): Promise<Renewed<KeptAnswer>> {
    const { client, clock, limits, carried } = this.#options;
    const url = parseEvidenceAddress(address, what);
    const request = Buffer.from(encodeOcspRequest(issued));
    const key = `${url.href} ${hashHex('sha256', issued.issuer.raw)} ${request.toString('base64')}`;
    const fetch = (signal: AbortSignal): Promise<KeptAnswer> => {
      const verify = (bytes: Uint8Array) => {
        const answer = verifyOcspResponse(bytes, issued, clock.now(), what);
        return { ...answer, byteLength: bytes.length };
      };
      return carriedOr(carried?.ocsp(certIdLabel(issued)), verify, () =>
        client(ocspQuestion(url, request, limits, what), signal),
      );
    };
    return this.#cache.get(key, { fetch }, asker);
  }

  /** RFC 6960 4.2.2.2.1. Only by CRL: asking responders about responders need not come to an end. */
  async #assertDelegate(
    { uncheckedDelegate }: VerifiedOcspAnswer,
    what: string,
    { issuer }: IssuedCertificate,
    { isPatient = false }: EvidenceAsker,
    signal: AbortSignal,
  ): Promise<void> {
    if (uncheckedDelegate === undefined) return;
    const subject = `${what}: delegate ${show(uncheckedDelegate.subject.text)}`;
    const delegate = { certificate: uncheckedDelegate, issuer };
    const status = await this.#options.crls.status(delegate, { isPatient }, signal);
    if (status.kind === 'good') return;
    const fault = `expected a delegate that is not revoked, found one that is`;
    throw new AgentError('revocation_evidence_invalid', `${subject}: ${fault}`);
  }
}

/** RFC 6960 A.1. An address with a query has no place for the request in its path. */
export function ocspQuestion(
  url: URL,
  request: Uint8Array,
  { ocspMs: timeoutMs, ocspBytes: maxBytes }: EvidenceLimits,
  what: string,
): EvidenceRequest {
  const bounds = { timeoutMs, maxBytes, what };
  const text = Buffer.from(request).toString('base64');
  if (text.length > MAX_GET_CHARACTERS || url.search !== '')
    return { url, body: request, ...bounds };
  const folder = url.href.endsWith('/') ? url.href : `${url.href}/`;
  return { url: new URL(folder + encodeURIComponent(text)), ...bounds };
}
