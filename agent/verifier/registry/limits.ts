// How much of a registry's time, bytes and entries is taken before it is given up on.

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bounds of the registry client; everything a registry sends is attacker-controlled. */
export interface RegistryLimits {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly bodyIdleMs: number;
  readonly requestMs: number;
  readonly mirrorMs: number;
  readonly retryAfterMs: number;
  readonly redirects: number;
  readonly connectionsPerOrigin: number;
  readonly origins: number;
  readonly keptIdleMs: number;
  readonly headerBytes: number;
  readonly manifestBytes: number;
  readonly errorBytes: number;
  readonly tokenBytes: number;
  readonly tokens: number;
  readonly referrersPages: number;
  readonly referrersBytes: number;
  readonly referrers: number;
}

export const DEFAULT_LIMITS: RegistryLimits = {
  /** Name look-up, TCP and TLS. A pull's verdict is due in less than 10 s: leave time for a reason. */
  connectMs: 3_000,
  /** From the request to the end of the response's headers. */
  headersMs: 5_000,
  /** Between two pieces of a body. */
  bodyIdleMs: 5_000,
  /** One request with its whole body: a registry that drips never exceeds the idle time. */
  requestMs: 30_000,
  /** One question to a mirror: one that is silent must leave the registry itself its time. */
  mirrorMs: 2_500,
  /** A 429 that asks for a longer pause is reported instead of waited for. */
  retryAfterMs: 1_000,
  /** Registries redirect once, to storage; a proxy in front of one adds another. */
  redirects: 5,
  /** Pulls and re-verifications of several images at once; more would only queue at the registry. */
  connectionsPerOrigin: 8,
  /** Registries, their token services and their storage. */
  origins: 64,
  /**
   * A connection of which nobody says how long it lasts. Pulls are minutes apart, and a new connection
   * takes two round trips; servers close theirs after a minute or more, and the firewalls of clouds
   * forget them after four.
   */
  keptIdleMs: 55_000,
  /** Redirects to storage carry long signed URLs; 32 KiB is twice what HTTP servers accept. */
  headerBytes: 32 * KIB,
  /** What OCI distribution asks registries to accept, and so the largest manifest or index. */
  manifestBytes: 4 * MIB,
  /** An error body is read only for its code. */
  errorBytes: 16 * KIB,
  /** Tokens that list group memberships reach tens of KiB. */
  tokenBytes: 128 * KIB,
  /** One per repository; the oldest is forgotten. */
  tokens: 1_000,
  /** Pages of referrers: what else refers to an image (SBOMs, attestations) comes in between. */
  referrersPages: 16,
  /** All pages together. */
  referrersBytes: 8 * MIB,
  /** notation's own default for signatures per image, its answer to flooding an image with them. */
  referrers: 100,
};
