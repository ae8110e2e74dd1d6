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
  /** The CRL by which all images were judged last; absent: none. */
  readonly crl?: EndingCrl;
  readonly registryDownMs: number;
  /** By what is known, of an image of a node by its number; null where nothing is. */
  known(image: number, askForCrl: () => Promise<unknown>): Promise<Found | null>;
}

/** Its server has none but it until there is the next one, and answers nothing while it is down. */
interface EndingCrl {
  readonly endsAtMs: number;
  readonly nextAtMs: number;
  readonly downMs: readonly [from: number, until: number];
}

export interface CrlHappening extends Happening {
  readonly crl: EndingCrl;
}

const HOUR_MS = 60 * 60 * 1000;
const CRL_MS = 24 * HOUR_MS;
const NEVER = [0, 0] as const;

/** Every node gets its agent in the same moment. */
export const ROLL_OUT: Happening = {
  name: 'roll-out',
  ...{ forMs: HOUR_MS / 2, isNew: true, registryDownMs: 0 },
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
  ...{ forMs: HOUR_MS / 2, isNew: false, registryDownMs: 0 },
  known: (image) => Promise.resolve(image % 10 === 0 ? 'refused' : 'good'),
};

/** The CRL ends by which every image was judged; the next one is there before. */
export const END_OF_CRL: CrlHappening = {
  name: 'end of a CRL',
  ...{ forMs: 2 * HOUR_MS, isNew: false, registryDownMs: 0 },
  crl: { endsAtMs: 1.5 * HOUR_MS, nextAtMs: 0, downMs: NEVER },
  known: (_image, askForCrl) =>
    askForCrl().then(
      () => 'good',
      () => 'undecided',
    ),
};

/** The same when the next one is there only then. */
export const LATE_CRL: CrlHappening = {
  ...END_OF_CRL,
  name: 'end of a CRL, the next one only then',
  crl: { endsAtMs: 1.5 * HOUR_MS, nextAtMs: 1.5 * HOUR_MS, downMs: NEVER },
};

/** The same, and from then on its server is down for an hour. */
export const END_OF_CRL_OUTAGE: CrlHappening = {
  ...END_OF_CRL,
  name: 'end of a CRL, its server down for an hour',
  forMs: 2 * HOUR_MS,
  crl: { endsAtMs: HOUR_MS / 4, nextAtMs: HOUR_MS / 4, downMs: [HOUR_MS / 4, 1.25 * HOUR_MS] },
};

/** What the server of the CRL answers at that time. */
export function createEvidence({ crl }: Happening, nowMs: number): Promise<KeptEvidence> {
  const { endsAtMs = -Infinity, nextAtMs = -Infinity, downMs = NEVER } = crl ?? {};
  if (downMs[0] <= nowMs && nowMs < downMs[1]) {
    return Promise.reject(new AgentError('revocation_unreachable', 'the server of the CRL: down'));
  }
  const ends = nowMs < nextAtMs ? endsAtMs : Math.max(endsAtMs, nowMs) + CRL_MS;
  return Promise.resolve(crlUntil(ends));
}

/** The one that every node has at first. */
export function crlUntil(endsAtMs: number): KeptEvidence {
  const thisUpdate = new Date(endsAtMs - CRL_MS);
  return { thisUpdate, validUntil: new Date(endsAtMs), byteLength: 1 };
}

const VERDICTS: Readonly<Record<Found, Verdict>> = {
  good: verdictOf({}),
  refused: verdictOf({ decision: 'deny', reason: 'identity_untrusted' }),
  undecided: verdictOf({ decision: 'deny', reason: 'revocation_unreachable', inconclusive: true }),
  unreachable: verdictOf({ decision: 'deny', reason: 'registry_unreachable', inconclusive: true }),
};

/** The verdict for what was found, and when newer evidence is asked for. */
export function verdictOn(found: Found, renewAt: Date | null): Verdict {
  return renewAt === null
    ? VERDICTS[found]
    : { ...VERDICTS[found], validUntil: renewAt.toISOString() };
}
