// Evidence that was verified before: fetched once for all who wait, and again before it is old.
import { AgentError } from '../../errors.ts';

/** What is kept: evidence, never what it proves on a certificate at some time. */
export interface KeptEvidence {
  readonly thisUpdate: Date;
  /** After this it is no evidence any more. */
  readonly validUntil: Date;
  readonly byteLength: number;
}

/** Where evidence of one key comes from, and where it is kept when this process ends. */
export interface EvidenceOrigin<T> {
  /** Fetches and verifies it. */
  readonly fetch: (signal: AbortSignal) => Promise<T>;
  /** What was saved before, verified anew; undefined when there is nothing of use. */
  readonly load?: () => Promise<{ readonly evidence: T; readonly fetchedAt: Date } | undefined>;
  readonly save?: (evidence: T) => Promise<void>;
}

export interface EvidenceCacheOptions {
  readonly clock: { now(): Date };
  readonly maxBytes: number;
  /** How long evidence is used without asking for newer. */
  readonly freshMs: number;
  /** How long a failure to fetch is remembered. */
  readonly failureMs: number;
}

interface Entry<T> {
  readonly evidence: T;
  readonly fetchedAt: Date;
  /** When somebody asked for it last, in milliseconds since the epoch. */
  usedMs?: number;
}

/** Each is one address; far above what the certificates of a node name. */
const MAX_FAILURES = 256;

/**
 * Evidence by key. Fresh evidence is used as it is. What is no longer fresh is fetched again; if that
 * fails, it is used until it ends. Older evidence never takes the place of newer: an attacker on the way
 * could replay what was true before a revocation.
 */
export class EvidenceCache<T extends KeptEvidence> {
  readonly #options: EvidenceCacheOptions;
  /** In the order of their use; the one that was not used for longest is dropped first. */
  readonly #entries = new Map<string, Entry<T>>();
  readonly #failures = new Map<string, { readonly error: AgentError; readonly until: number }>();
  readonly #flights = new Map<string, Promise<T>>();
  readonly #closing = new AbortController();
  #bytes = 0;

  constructor(options: EvidenceCacheOptions) {
    this.#options = options;
  }

  /** The evidence for a key. Rejects with what `fetch` rejects with. */
  get(key: string, origin: EvidenceOrigin<T>): Promise<T> {
    const known = this.#entries.get(key);
    if (known !== undefined) known.usedMs = this.#now();
    if (known !== undefined && this.#isFresh(known)) {
      this.#put(key, known);
      return Promise.resolve(known.evidence);
    }
    const flying = this.#flights.get(key);
    if (flying !== undefined) return flying;
    const flight = this.#refresh(key, origin).finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    // Whoever waited may have given up by the time that it fails.
    flight.catch(() => undefined);
    return flight;
  }

  /** When the first ends, or did, of those that count and were asked for within `ms`; null without any. */
  firstEnd(ms: number, counts: (evidence: T) => boolean = () => true): Date | null {
    const since = this.#now() - ms;
    let first: Date | null = null;
    for (const { evidence, fetchedAt, usedMs = fetchedAt.getTime() } of this.#entries.values()) {
      const { validUntil } = evidence;
      if (usedMs < since || !counts(evidence)) continue;
      if (first === null || validUntil < first) first = validUntil;
    }
    return first;
  }

  /** Ends what is being fetched. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#flights.values());
  }

  async #refresh(key: string, origin: EvidenceOrigin<T>): Promise<T> {
    const known = this.#entries.get(key) ?? (await origin.load?.());
    const usable = known !== undefined && this.#isValid(known) ? known : undefined;
    if (usable !== undefined && this.#isFresh(usable)) {
      this.#put(key, usable);
      return usable.evidence;
    }
    try {
      return await this.#fetch(key, origin, usable);
    } catch (error) {
      if (usable !== undefined) return usable.evidence;
      throw error;
    }
  }

  async #fetch(key: string, origin: EvidenceOrigin<T>, usable: Entry<T> | undefined): Promise<T> {
    const failure = this.#failures.get(key);
    if (failure !== undefined && this.#now() < failure.until) throw failure.error;
    try {
      const fetched = await origin.fetch(this.#closing.signal);
      this.#failures.delete(key);
      const isReplay = usable !== undefined && fetched.thisUpdate < usable.evidence.thisUpdate;
      const evidence = isReplay ? usable.evidence : fetched;
      this.#put(key, { evidence, fetchedAt: this.#options.clock.now() });
      if (!isReplay) await origin.save?.(fetched);
      return evidence;
    } catch (error) {
      if (error instanceof AgentError) this.#remember(key, error);
      throw error;
    }
  }

  #remember(key: string, error: AgentError): void {
    this.#failures.delete(key);
    this.#failures.set(key, { error, until: this.#now() + this.#options.failureMs });
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined && this.#failures.size > MAX_FAILURES) this.#failures.delete(oldest);
  }

  #put(key: string, entry: Entry<T>): void {
    this.#drop(key);
    if (entry.evidence.byteLength > this.#options.maxBytes) return;
    this.#entries.set(key, entry);
    this.#bytes += entry.evidence.byteLength;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#options.maxBytes) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#entries.get(key)?.evidence.byteLength ?? 0;
    this.#entries.delete(key);
  }

  #isValid({ evidence }: Entry<T>): boolean {
    return this.#now() <= evidence.validUntil.getTime();
  }

  /** A time of fetching in the future tells of a clock that was set back: such evidence is not fresh. */
  #isFresh(entry: Entry<T>): boolean {
    const ageMs = this.#now() - entry.fetchedAt.getTime();
    return ageMs >= 0 && ageMs < this.#options.freshMs && this.#isValid(entry);
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
