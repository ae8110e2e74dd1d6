// What can happen to all nodes of a cluster at once, and what an image comes to then.
import { AgentError } from '../../agent/errors.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import type { KeptEvidence } from '../../agent/verifier/evidence/evidence-cache.ts';
import { verdictOf } from '../../test/support/verdict.ts';

/** What a look at an image comes to. */
export type Found = 'good' | 'refused' | 'undecided' | 'unreachable';

/** Times are from the moment on in which it happens. */
export interface Happening {
  readonly name: string;
  /** How long to watch. */
  readonly forMs: number;
  /** Whether nothing is known of the images; else one good signature of each. */
  readonly isNew: boolean;
  /** Whether the evidence ends then by which all images were judged last. */
  readonly atEndOfCrl: boolean;
  readonly registryDownMs: number;
  readonly crlDownMs: number;
  /** By what is known, of an image of a node by its number; null where nothing is. */
  known(image: number, askForCrl: () => Promise<unknown>): Promise<Found | null>;
}

const HOUR_MS = 60 * 60 * 1000;
const NOTHING_DOWN = { registryDownMs: 0, crlDownMs: 0 } as const;

/** Every node gets its agent in the same moment. */
export const ROLL_OUT: Happening = {
  name: 'roll-out',
  ...{ forMs: HOUR_MS / 2, isNew: true, atEndOfCrl: false, ...NOTHING_DOWN },
  known: () => Promise.resolve(null),
};

/** The same while the registry is down. */
export const OUTAGE: Happening = {
  ...ROLL_OUT,
  name: 'roll-out, registry down for an hour',
  ...{ forMs: 2 * HOUR_MS, registryDownMs: HOUR_MS },
};

/** The policy is another, and the known signature of every tenth image is good no more. */
export const POLICY_CHANGE: Happening = {
  name: 'change of policy, a tenth refused',
  ...{ forMs: HOUR_MS / 2, isNew: false, atEndOfCrl: false, ...NOTHING_DOWN },
  known: (image) => Promise.resolve(image % 10 === 0 ? 'refused' : 'good'),
};

/** The CRL ends by which every image was judged; the next is there for as long as its server is not down. */
export const END_OF_CRL: Happening = {
  name: 'end of a CRL',
  ...{ forMs: HOUR_MS / 2, isNew: false, atEndOfCrl: true, ...NOTHING_DOWN },
  known: (_image, askForCrl) =>
    askForCrl().then(
      () => 'good',
      () => 'undecided',
    ),
};

/** The same when there is no next one for an hour. */
export const END_OF_CRL_OUTAGE: Happening = {
  ...END_OF_CRL,
  name: 'end of a CRL, its server down for an hour',
  ...{ forMs: 2 * HOUR_MS, crlDownMs: HOUR_MS },
};

/** What the server of the CRL answers at that time. */
export function createEvidence({ crlDownMs }: Happening, nowMs: number): Promise<KeptEvidence> {
  if (nowMs < crlDownMs) {
    return Promise.reject(new AgentError('revocation_unreachable', 'the server of the CRL: down'));
  }
  const validUntil = new Date(nowMs + 24 * HOUR_MS);
  return Promise.resolve({ thisUpdate: new Date(nowMs), validUntil, byteLength: 1 });
}

const VERDICTS: Readonly<Record<Found, Verdict>> = {
  good: verdictOf({}),
  refused: verdictOf({ decision: 'deny', reason: 'identity_untrusted' }),
  undecided: verdictOf({ decision: 'deny', reason: 'revocation_unreachable', inconclusive: true }),
  unreachable: verdictOf({ decision: 'deny', reason: 'registry_unreachable', inconclusive: true }),
};

/** The verdict for what was found. */
export function verdictOn(found: Found): Verdict {
  return VERDICTS[found];
}
