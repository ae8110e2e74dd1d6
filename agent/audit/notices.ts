// What is to be told of a pod or of the node, until somebody took it: joined, paced and bounded.
import { Bell } from '../bell.ts';
import type { AgentError } from '../errors.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';

/** What a notice is on. Its texts are untrusted. */
export interface NoticeSubject {
  readonly kind: 'Pod' | 'Node';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** A part of it, such as a container; '' for all of it. */
  readonly fieldPath: string;
}

/** What happened to it. */
export interface Notice {
  readonly subject: NoticeSubject;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** Tells apart what is for the same reason, such as an image. */
  readonly about: string;
}

/** The same again and again, as one. The message is the last one. */
export interface NoticeSeries extends Notice {
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** `later`: in a while it may be taken; `refused`: it never is. */
export type NoticeSent =
  | { readonly kind: 'sent' }
  | { readonly kind: 'refused'; readonly error: AgentError }
  | { readonly kind: 'later'; readonly error: AgentError; readonly afterMs: number };

export interface NoticesOptions {
  readonly send: (series: NoticeSeries, signal: AbortSignal) => Promise<NoticeSent>;
  /** Null: the last one was taken. */
  readonly onOutcome: (error: AgentError | null) => void;
  /** There was no room for one. */
  readonly onDropped?: () => void;
  readonly clock?: Clock;
  /** From 0 to 1. Default `Math.random`. */
  readonly random?: () => number;
}

/** A node has some hundred containers: beyond that, whoever looks is told enough. */
const MAX_WAITING = 500;
/** At once, and on the average: kubelet itself may send 50 a second, but a whole cluster may have one reason. */
const BURST = 20;
const INTERVAL_MS = 2000;
/** Between two of the same: kubelet tries a pull again after 10 s, and then ever later. */
const SERIES_INTERVAL_MS = 30_000;
/** Of how many it is known when they were sent last. */
const MAX_REMEMBERED = 2000;
const FIRST_RETRY_MS = 5000;
const MAX_RETRY_MS = 5 * 60_000;

/** Nothing waits for them, and nothing is kept over a restart: what is still so is raised again. */
export class Notices {
  readonly #options: NoticesOptions;
  readonly #clock: Clock;
  /** In the order in which they are sent. */
  readonly #waiting = new Map<string, NoticeSeries>();
  /** When each was sent last, the longest ago first. */
  readonly #sentMs = new Map<string, number>();
  #tokens = BURST;
  #tokensAtMs: number;
  #failures = 0;
  readonly #bell = new Bell();

  constructor(options: NoticesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#tokensAtMs = this.#clock.now().getTime();
  }

  /** It happened now. */
  raise(notice: Notice): void {
    const key = keyOf(notice);
    const now = this.#clock.now();
    const before = this.#waiting.get(key);
    if (before === undefined && this.#waiting.size >= MAX_WAITING) {
      this.#options.onDropped?.();
      return;
    }
    const count = (before?.count ?? 0) + 1;
    this.#waiting.set(key, { ...notice, count, firstAt: before?.firstAt ?? now, lastAt: now });
    this.#bell.ring();
  }

  /** Sends until the signal aborts. Rejects with what `send` rejects with. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#bell.silence();
      const { series, waitMs } = this.#next();
      if (waitMs > 0) {
        await this.#bell.sleep(this.#clock, waitMs, signal);
      } else if (series !== undefined) {
        const retryMs = await this.#send(series, signal);
        // What is raised meanwhile must not try sooner.
        if (retryMs > 0) await this.#clock.sleep(retryMs, signal);
      }
    }
  }

  /** What to send now, or how long there is nothing to be sent. */
  #next(): { readonly series?: NoticeSeries; readonly waitMs: number } {
    const nowMs = this.#clock.now().getTime();
    // A clock that jumped back must not silence it.
    const sinceMs = Math.max(nowMs - this.#tokensAtMs, 0);
    this.#tokens = Math.min(this.#tokens + sinceMs / INTERVAL_MS, BURST);
    this.#tokensAtMs = nowMs;
    let soonestMs = Infinity;
    for (const [key, series] of this.#waiting) {
      const sentMs = this.#sentMs.get(key) ?? -Infinity;
      const waitMs = sentMs > nowMs ? 0 : sentMs + SERIES_INTERVAL_MS - nowMs;
      if (waitMs <= 0 && this.#tokens >= 1) return { series, waitMs: 0 };
      soonestMs = Math.min(soonestMs, Math.max(waitMs, (1 - this.#tokens) * INTERVAL_MS, 1));
    }
    return { waitMs: soonestMs };
  }

  /** Returns for how long nothing may be tried. */
  async #send(series: NoticeSeries, signal: AbortSignal): Promise<number> {
    const key = keyOf(series);
    // What happens while it is sent is another one.
    this.#waiting.delete(key);
    this.#tokens -= 1;
    const sent = await this.#options.send(series, signal);
    if (sent.kind === 'later') {
      this.#putBack(key, series);
      return this.#failed(sent.error, sent.afterMs, signal);
    }
    this.#failures = 0;
    this.#remember(key);
    this.#options.onOutcome(sent.kind === 'refused' ? sent.error : null);
    return 0;
  }

  #putBack(key: string, series: NoticeSeries): void {
    const news = this.#waiting.get(key);
    const joined =
      news === undefined
        ? series
        : { ...news, firstAt: series.firstAt, count: news.count + series.count };
    this.#waiting.set(key, joined);
  }

  #failed(error: AgentError, afterMs: number, signal: AbortSignal): number {
    const { random = Math.random, onOutcome } = this.#options;
    // It was broken off, which is no failure.
    if (signal.aborted) return 0;
    onOutcome(error);
    const doubledMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 16), MAX_RETRY_MS);
    this.#failures += 1;
    // A random half off: the nodes of a cluster lose their API server together.
    return Math.max(Math.round(doubledMs * (1 - random() / 2)), afterMs);
  }

  #remember(key: string): void {
    this.#sentMs.delete(key);
    this.#sentMs.set(key, this.#clock.now().getTime());
    const [oldest] = this.#sentMs.keys();
    if (this.#sentMs.size > MAX_REMEMBERED && oldest !== undefined) this.#sentMs.delete(oldest);
  }
}

function keyOf({ subject, reason, about }: Notice): string {
  return JSON.stringify([subject.uid, reason, about]);
}
