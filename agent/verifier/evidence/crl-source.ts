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
import type { EvidenceAsker, RevocationOptions } from './asker.ts';
import { type CarriedEvidence, carriedOr, type Sourced, withTerms } from './carried.ts';
import type { EvidenceClient } from './client.ts';
import type { CrlFile, CrlFiles } from './crl-files.ts';
import {
  EvidenceCache,
  type EvidenceOrigin,
  type KeptEvidence,
  type Renewed,
} from './evidence-cache.ts';
import { combined, within } from './failure.ts';
import { Gate } from './gate.ts';
import { type EvidenceLimits, IN_USE_MS } from './limits.ts';

export interface CrlSourceOptions {
  readonly client: EvidenceClient;
  readonly clock: { now(): Date };
  readonly limits: EvidenceLimits;
  /** Absent: CRLs are kept in memory only. */
  readonly files: CrlFiles | undefined;
  /** Absent: nothing was carried in. */
  readonly carried?: CarriedEvidence | undefined;
}

interface KeptList extends KeptEvidence, Sourced {
  readonly list: VerifiedList;
  readonly bytes: Uint8Array;
}

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
      ...limits,
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
    options: RevocationOptions,
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
        const status = await this.#pointStatus(point, issued, options, signal);
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
    options: RevocationOptions,
    signal: AbortSignal,
  ): Promise<RevocationStatus> {
    const { issuer } = issued;
    const fetch = (address: string) => this.#list(address, issuer, options, signal);
    return firstThatWorks(addresses, async (address) => {
      const base = await fetch(address);
      const delta = base.list.freshest && (await firstThatWorks(base.list.freshest, fetch));
      const lists = { base: base.list, delta: delta?.list, addresses };
      const status = crlStatus(lists, issued, options.authenticSigningTime);
      return withTerms(status, delta === undefined ? [base] : [base, delta]);
    });
  }

  async #list(
    address: string,
    issuer: Certificate,
    asker: EvidenceAsker,
    signal: AbortSignal,
  ): Promise<Renewed<KeptList>> {
    const { client, clock, limits, files, carried } = this.#options;
    const what = `CRL from ${show(address)}`;
    const url = parseEvidenceAddress(address, what);
    const key = `${url.href} ${hashHex('sha256', issuer.raw)}`;
    const verify = (bytes: Uint8Array) => {
      const list = verifyCrl(bytes, issuer, clock.now(), what);
      const { thisUpdate, nextUpdate: validUntil } = list;
      return { list, bytes, thisUpdate, validUntil, byteLength: bytes.length };
    };
    const load = async (from: CrlFiles) => reverified(await from.load(key), verify);
    const [timeoutMs, maxBytes] = [limits.crlMs, limits.crlBytes];
    const origin: EvidenceOrigin<KeptList> = {
      fetch: (closing) =>
        this.#gate.run(() =>
          carriedOr(carried?.crl(url.href), verify, () =>
            client({ url, timeoutMs, maxBytes, what }, closing),
          ),
        ),
      ...(files && {
        load: () => this.#gate.run(() => load(files)),
        // What was carried in is on disk already.
        save: async ({ bytes, isCarried }) => {
          if (!isCarried) await files.save(key, { bytes, fetchedAt: clock.now() });
        },
      }),
    };
    return within(() => this.#cache.get(key, origin, asker), signal, what);
  }
}

function endOf({ renewAt }: EvidenceTerm): number {
  return renewAt?.getTime() ?? Infinity;
}

/** What comes from disk is verified as what comes from a server is. */
function reverified<T>(
  file: CrlFile | undefined,
  verify: (bytes: Uint8Array) => T,
): { readonly evidence: T & Pick<Sourced, 'isCarried'>; readonly fetchedAt: Date } | undefined {
  try {
    if (file === undefined) return undefined;
    return { evidence: { ...verify(file.bytes), isCarried: false }, fetchedAt: file.fetchedAt };
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
