// How long what was found stands: the moments at which time alone may change it.
import type { CertificateRevocation } from '../revocation/status.ts';
import type { VerifiedSignature } from '../signature/integrity.ts';
import type { Evidence } from './evidence.ts';

/** Collects the moments of one evaluation. */
export class Term {
  readonly #now: Date;
  #end: Date | null = null;

  constructor(now: Date) {
    this.#now = now;
  }

  /** The earliest moment noted that is later than now; null when there is none. */
  get end(): Date | null {
    return this.#end;
  }

  /** What is over, and what has no end, is of no consequence. */
  note(moment: Date | undefined): void {
    if (moment === undefined || moment <= this.#now) return;
    if (this.#end === null || moment < this.#end) this.#end = moment;
  }

  /** The same evidence; when it is out of date is noted. */
  noting(evidence: Evidence): Evidence {
    return {
      revocation: async (chain, authenticSigningTime) => {
        const revocations = await evidence.revocation(chain, authenticSigningTime);
        for (const { status } of revocations) this.note(endOf(status));
        return revocations;
      },
      plugin: (name, minVersion) => evidence.plugin(name, minVersion),
    };
  }
}

/**
 * When the validity of the signing certificates begins and ends. With a timestamp countersignature
 * they may be good beyond it, so not every moment is a change. None under the signing authority's
 * scheme: there the time of signing counts, and that stays.
 */
export function termOfCertificates({ chain, signingScheme }: VerifiedSignature): readonly Date[] {
  if (signingScheme === 'notary.x509.signingAuthority') return [];
  return chain.flatMap(({ notBefore, notAfter }) => [notBefore, justAfter(notAfter)]);
}

/**
 * Evidence of `unknown` has no term: it is asked for again when the next attempt is made. What is
 * renewed before its end is looked at then, so that nothing rests on what has ended.
 */
function endOf(status: CertificateRevocation['status']): Date | undefined {
  if (status.kind !== 'good' && status.kind !== 'revoked') return undefined;
  const { renewAt, validUntil } = status;
  return renewAt ?? (validUntil && justAfter(validUntil));
}

/** Both ends of these periods are included: RFC 5280 4.1.2.5. */
function justAfter(end: Date): Date {
  return new Date(end.getTime() + 1);
}
