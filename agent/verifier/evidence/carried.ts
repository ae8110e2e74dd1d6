// Evidence that was carried in: it stands before what would be asked for, and is verified as if it had been.
import { AgentError } from '../../errors.ts';
import type { RevocationStatus } from '../../notation/revocation/status.ts';
import type { Renewed } from './evidence-cache.ts';

/** What was carried in. Neither rejects; undefined where there is nothing of use. */
export interface CarriedEvidence {
  /** The CRL of an address. */
  readonly crl: (address: string) => Promise<Uint8Array | undefined>;
  /** The OCSP response on a certificate, by its `certIdLabel`. */
  readonly ocsp: (certId: string) => Promise<Uint8Array | undefined>;
}

/** Where evidence came from, and since when it is. */
export interface Sourced {
  readonly isCarried: boolean;
  readonly thisUpdate: Date;
}

/**
 * Evidence as it was carried in, until its own end: nobody in a closed network waits for a server that
 * is not reached. What is out of date or forged is as good as none, and told of where nothing else can
 * be had. Rejects with what `fetch` rejects with.
 */
export async function carriedOr<T>(
  carried: Promise<Uint8Array | undefined> | undefined,
  verify: (bytes: Uint8Array) => T,
  fetch: () => Promise<Uint8Array>,
): Promise<T & Pick<Sourced, 'isCarried'>> {
  const bytes = await carried;
  const found = bytes && verified(bytes, verify);
  if (found?.isUsable === true) return { ...found.evidence, isCarried: true };
  try {
    return { ...verify(await fetch()), isCarried: false };
  } catch (error) {
    if (found === undefined || !(error instanceof AgentError)) throw error;
    const message = `${error.message}; carried in: ${found.error.message}`;
    throw new AgentError(error.code, message, { cause: error });
  }
}

function verified<T>(bytes: Uint8Array, verify: (bytes: Uint8Array) => T) {
  try {
    return { isUsable: true, evidence: verify(bytes) } as const;
  } catch (error) {
    if (error instanceof AgentError) return { isUsable: false, error } as const;
    throw error;
  }
}

/**
 * Adds to a status how old the first of its evidence is that was carried in, and when the first is
 * asked for anew.
 */
export function withTerms(
  status: RevocationStatus,
  evidence: readonly Renewed<Sourced>[],
): RevocationStatus {
  if (status.kind !== 'good' && status.kind !== 'revoked') return status;
  const carried = evidence.find(({ isCarried }) => isCarried);
  const renewals = evidence.map(({ renewAt }) => renewAt.getTime());
  const renewAt = new Date(Math.min(...renewals));
  return { ...status, renewAt, ...(carried && { carriedOf: carried.thisUpdate }) };
}
