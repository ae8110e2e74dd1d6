// The status of a certificate from the CRLs of its distribution points.
import { AgentError } from '../../errors.ts';
import { hashHex } from '../../notation/encoding/crypto.ts';
import { crlStatus, type VerifiedList, verifyCrl } from '../../notation/revocation/crl.ts';
import type {
  EvidenceTerm,
  IssuedCertificate,
  RevocationStatus,
} from '../../notation/revocation/status.ts';
import type { Certificate } from '../../notation/x509/certificate.ts';
import { show } from '../../oci/show.ts';
import { parseEvidenceAddress } from './address.ts';
import type { EvidenceClient } from './client.ts';
import type { CrlFile, CrlFiles } from './crl-files.ts';
import { EvidenceCache, type EvidenceOrigin, type KeptEvidence } from './evidence-cache.ts';
import { combined, within } from './failure.ts';
import { Gate } from './gate.ts';
import type { EvidenceLimits } from './limits.ts';

export interface CrlSourceOptions {
  readonly client: EvidenceClient;
  readonly clock: { now(): Date };
  readonly limits: EvidenceLimits;
  /** Absent: CRLs are kept in memory only. */
  readonly files: CrlFiles | undefined;
  /** CRLs that were carried in, by their address; never rejects. Absent: none were. */
  readonly carried?: CarriedCrls | undefined;
}

/** The CRL of an address; undefined where there is none of use. */
export type CarriedCrls = (address: string) => Promise<Uint8Array | undefined>;

interface KeptList extends KeptEvidence {
  readonly list: VerifiedList;
  readonly bytes: Uint8Array;
}

/**
 * Images on a node are verified again each day, so that a CRL which nobody asked for within two belongs
 * to none of them.
 */
const IN_USE_MS = 48 * 60 * 60 * 1000;

/** Keeps CRLs, each until its time, in memory and on disk. */
export class CrlSource {
  readonly #options: CrlSourceOptions;
  readonly #cache: EvidenceCache<KeptList>;
  readonly #gate: Gate;

  constructor(options: CrlSourceOptions) {
    const { clock, limits } = options;
    this.#options = options;
    this.#gate = new Gate(limits.crlsAtOnce);
    this.#cache = new EvidenceCache({
      clock,
      maxBytes: limits.crlMemoryBytes,
      freshMs: limits.crlFreshMs,
      failureMs: limits.failureMs,
    });
  }

  /** When the first CRL ends of those in use, or did; null without any. */
  firstEnd(): Date | null {
    return this.#cache.firstEnd(IN_USE_MS);
  }

  close(): Promise<void> {
    return this.#cache.close();
  }

  /**
   * Every distribution point must be had, because each may be for some certificates or reasons only;
   * of the addresses within one, which are of the same CRL, the first that works. A certificate is
   * revoked if one point says so, whatever becomes of the others. Throws the error of them all.
   */
  async status(
    issued: IssuedCertificate,
    authenticSigningTime: Date | undefined,
    signal: AbortSignal,
  ): Promise<RevocationStatus> {
    const points = issued.certificate.extensions.crlAddresses;
    const { addresses } = this.#options.limits;
    if (points.length === 0 || points.flat().length > addresses) {
      throw unusable(`expected 1 to ${addresses} addresses, found ${points.flat().length}`);
    }
    const errors: AgentError[] = [];
    let soonest: RevocationStatus = { kind: 'good', source: 'crl' };
    for (const point of points) {
      try {
        const status = await this.#pointStatus(point, issued, authenticSigningTime, signal);
        if (status.kind !== 'good') return status;
        if (endOf(status) < endOf(soonest)) soonest = status;
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        errors.push(error);
      }
    }
    if (errors.length > 0) throw combined(errors);
    return soonest;
  }

  #pointStatus(
    addresses: readonly string[],
    issued: IssuedCertificate,
    authenticSigningTime: Date | undefined,
    signal: AbortSignal,
  ): Promise<RevocationStatus> {
    return firstThatWorks(addresses, async (address) => {
      const base = await this.#list(address, issued.issuer, signal);
      const delta =
        base.freshest &&
        (await firstThatWorks(base.freshest, (one) => this.#list(one, issued.issuer, signal)));
      return crlStatus({ base, delta, addresses }, issued, authenticSigningTime);
    });
  }

  async #list(address: string, issuer: Certificate, signal: AbortSignal): Promise<VerifiedList> {
    const { client, clock, limits, files } = this.#options;
    const what = `CRL from ${show(address)}`;
    const url = parseEvidenceAddress(address, what);
    const key = `${url.href} ${hashHex('sha256', issuer.raw)}`;
    const verify = (bytes: Uint8Array): KeptList => {
      const list = verifyCrl(bytes, issuer, clock.now(), what);
      const { thisUpdate, nextUpdate: validUntil } = list;
      return { list, bytes, thisUpdate, validUntil, byteLength: bytes.length };
    };
    const [timeoutMs, maxBytes] = [limits.crlMs, limits.crlBytes];
    const origin: EvidenceOrigin<KeptList> = {
      fetch: (closing) =>
        this.#gate.run(async () => {
          const carried = await this.#carried(url, verify);
          return carried ?? verify(await client({ url, timeoutMs, maxBytes, what }, closing));
        }),
      ...(files && {
        load: () => this.#gate.run(async () => reverified(await files.load(key), verify)),
        save: ({ bytes }) => files.save(key, { bytes, fetchedAt: clock.now() }),
      }),
    };
    return (await within(() => this.#cache.get(key, origin), signal, what)).list;
  }

  /** As if it had just been fetched: until its end nobody in a closed network waits for its server. */
  async #carried(
    { href }: URL,
    verify: (bytes: Uint8Array) => KeptList,
  ): Promise<KeptList | undefined> {
    const bytes = await this.#options.carried?.(href);
    const fetchedAt = this.#options.clock.now();
    return reverified(bytes && { bytes, fetchedAt }, verify)?.evidence;
  }
}

function endOf({ validUntil }: EvidenceTerm): number {
  return validUntil?.getTime() ?? Infinity;
}

/** What comes from disk is verified as what comes from a server is. */
function reverified<T>(
  file: CrlFile | undefined,
  verify: (bytes: Uint8Array) => T,
): { readonly evidence: T; readonly fetchedAt: Date } | undefined {
  try {
    return file && { evidence: verify(file.bytes), fetchedAt: file.fetchedAt };
  } catch (error) {
    // Torn, forged, or out of date: there is nothing of use.
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}

async function firstThatWorks<T>(
  addresses: readonly string[],
  attempt: (address: string) => Promise<T>,
): Promise<T> {
  const errors: AgentError[] = [];
  for (const address of addresses) {
    try {
      return await attempt(address);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      errors.push(error);
    }
  }
  throw combined(errors);
}

function unusable(fault: string): AgentError {
  return new AgentError('revocation_unknown', `CRL distribution points: ${fault}`);
}
