// Evidence that was verified before: fetched once for all who wait, and again before it is old.
import { AgentError } from '../../errors.ts';
import { hashHex } from '../../notation/encoding/crypto.ts';
import type { EvidenceAsker } from './asker.ts';
import { type EvidencePeriod, patienceMs, renewalOf, type RenewalLimits } from './renewal.ts';

/** What is kept: evidence, never what it proves on a certificate at some time. */
export interface KeptEvidence extends EvidencePeriod {
  readonly byteLength: number;
}

/** Evidence, and when newer will be asked for: before its end, or after it if there was none before. */
export type Renewed<T> = T & { readonly renewAt: Date };

/** Where evidence of one key comes from, and where it is kept when this process ends. */
export interface EvidenceOrigin<T> {
  /** Fetches and verifies it. */
  readonly fetch: (signal: AbortSignal) => Promise<T>;
  /** What was saved before, verified anew; undefined when there is nothing of use. */
  readonly load?: () => Promise<{ readonly evidence: T; readonly fetchedAt: Date } | undefined>;
  readonly save?: (evidence: T) => Promise<void>;
}

export interface EvidenceCacheOptions extends RenewalLimits {
  readonly clock: { now(): Date };
  readonly maxBytes: number;
  /** How long evidence is used without asking for newer. */
  readonly freshMs: number;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

interface Entry<T> {
  readonly evidence: Renewed<T>;
  readonly fetchedAt: Date;
  /** When somebody asked for it last, in milliseconds since the epoch. */
  usedMs?: number;
}

/** A server that failed: how often in a row, and until when it is left alone by whom. */
interface Failure {
  readonly error: AgentError;
  readonly count: number;
  readonly until: number;
  readonly patientUntil: number;
}

/** Each is one address; far above what the certificates of a node name. */
const MAX_FAILURES = 256;

/**
 * Evidence by key. Fresh evidence is used as it is. What is no longer fresh is fetched again, and so is
 * what ends soon, see `renewalOf`; if that fails, it is used until it ends. Older evidence never
 * takes the place of newer: an attacker on the way could replay what was true before a revocation.
 */
export class EvidenceCache<T extends KeptEvidence> {
  readonly #options: EvidenceCacheOptions;
  /** In the order of their use; the one that was not used for longest is dropped first. */
  readonly #entries = new Map<string, Entry<T>>();
  readonly #failures = new Map<string, Failure>();
  readonly #flights = new Map<string, Promise<Renewed<T>>>();
  readonly #random: () => number;
  /** Makes moments of this node's own. */
  readonly #seed: number;
  readonly #closing = new AbortController();
  #bytes = 0;

  constructor(options: EvidenceCacheOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#seed = this.#random();
  }

  /** The evidence for a key. Rejects with what `fetch` rejects with. */
  get(
    key: string,
    origin: EvidenceOrigin<T>,
    { isPatient = false }: EvidenceAsker = {},
  ): Promise<Renewed<T>> {
    const known = this.#entries.get(key);
    if (known !== undefined) known.usedMs = this.#now();
    if (known !== undefined && this.#isFresh(known)) {
      this.#put(key, known);
      return Promise.resolve(known.evidence);
    }
    // Whoever is in a hurry must not be told of a failure that only the patient still remember.
    const seat = `${isPatient ? 'patient' : 'urgent'} ${key}`;
    const flying = this.#flights.get(seat);
    if (flying !== undefined) return flying;
    const flight = this.#refresh(key, origin, isPatient).finally(() => this.#flights.delete(seat));
    this.#flights.set(seat, flight);
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

  async #refresh(key: string, origin: EvidenceOrigin<T>, isPatient: boolean): Promise<Renewed<T>> {
    const known = this.#entries.get(key) ?? (await this.#load(key, origin));
    const usable = known !== undefined && this.#isValid(known) ? known : undefined;
    if (usable !== undefined && this.#isFresh(usable)) {
      this.#put(key, usable);
      return usable.evidence;
    }
    try {
      this.#assertNotFailing(key, isPatient);
      return await this.#fetch(key, origin, usable);
    } catch (error) {
      if (usable === undefined) throw error;
      const { fetchedAt, evidence } = usable;
      const kept = { fetchedAt, evidence: this.#renewed(key, evidence, this.#options.clock.now()) };
      this.#put(key, kept);
      return kept.evidence;
    }
  }

  async #load(key: string, { load }: EvidenceOrigin<T>): Promise<Entry<T> | undefined> {
    const loaded = await load?.();
    if (loaded === undefined) return undefined;
    const { fetchedAt, evidence } = loaded;
    return { fetchedAt, evidence: this.#renewed(key, evidence, fetchedAt) };
  }

  #assertNotFailing(key: string, isPatient: boolean): void {
    const failure = this.#failures.get(key);
    if (failure === undefined) return;
    if (this.#now() < (isPatient ? failure.patientUntil : failure.until)) throw failure.error;
  }

  async #fetch(
    key: string,
    origin: EvidenceOrigin<T>,
    usable: Entry<T> | undefined,
  ): Promise<Renewed<T>> {
    try {
      const fetched = await origin.fetch(this.#closing.signal);
      this.#failures.delete(key);
      const isReplay = usable !== undefined && fetched.thisUpdate < usable.evidence.thisUpdate;
      const fetchedAt = this.#options.clock.now();
      const evidence = this.#renewed(key, isReplay ? usable.evidence : fetched, fetchedAt);
      this.#put(key, { evidence, fetchedAt });
      if (!isReplay) await origin.save?.(fetched);
      return evidence;
    } catch (error) {
      if (error instanceof AgentError) this.#remember(key, error);
      throw error;
    }
  }

  #remember(key: string, error: AgentError): void {
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    this.#failures.delete(key);
    const [now, patience] = [this.#now(), patienceMs(count, this.#random(), this.#options)];
    const until = now + this.#options.failureMs;
    this.#failures.set(key, { error, count, until, patientUntil: now + patience });
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

  /** The same for the same evidence, also where it does not fit into memory: what rests on it is looked at together. */
  #renewed(key: string, evidence: T, askedAt: Date): Renewed<T> {
    const text = `${this.#seed} ${key} ${evidence.validUntil.getTime()}`;
    const share = parseInt(hashHex('sha256', Buffer.from(text)).slice(0, 8), 16) / 2 ** 32;
    return { ...evidence, renewAt: renewalOf(evidence, askedAt, share, this.#options) };
  }

  #isValid({ evidence }: Entry<T>): boolean {
    return this.#now() <= evidence.validUntil.getTime();
  }

  /** A time of fetching in the future tells of a clock that was set back: such evidence is not fresh. */
  #isFresh(entry: Entry<T>): boolean {
    const ageMs = this.#now() - entry.fetchedAt.getTime();
    if (ageMs < 0 || ageMs >= this.#options.freshMs) return false;
    return this.#now() < entry.evidence.renewAt.getTime() && this.#isValid(entry);
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
