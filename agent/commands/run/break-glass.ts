// Break-glass as the agent sees it: what it is now, and a warning for as long as it lasts.
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { type BreakGlass, describeBreakGlass } from '../../pull/break-glass.ts';
import { isoTime } from '../../utc.ts';

/** What watching it needs. */
export interface BreakGlassWatchParts {
  /** A look at the file; must be cheap. */
  readonly read: (now: Date) => BreakGlass;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly metrics: Pick<Metrics, 'countError'>;
  /** It begins or ends. */
  readonly onTurn: () => void;
}

/** The file is a node's emergency: it is looked for, not waited for. */
const LOOK_MS = 5_000;
/** Nobody who reads the log of this node may miss it. */
const WARN_MS = 60_000;

/** Tells of break-glass, in the log and to who asks. */
export class BreakGlassWatch {
  readonly #parts: BreakGlassWatchParts;
  #told = 'absent';
  #wasActive = false;
  #warnedMs = -Infinity;

  constructor(parts: BreakGlassWatchParts) {
    this.#parts = parts;
  }

  /** What the file says at this moment. */
  get now(): BreakGlass {
    const { read, clock } = this.#parts;
    return read(clock.now());
  }

  /** When it ends; null while there is none. */
  get until(): Date | null {
    const found = this.now;
    return found.state === 'active' ? found.until : null;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.look();
      await this.#parts.clock.sleep(LOOK_MS, signal);
    }
  }

  /** Looks once, and tells what is to be told. */
  look(): void {
    const { log, clock, metrics, onTurn } = this.#parts;
    const found = this.now;
    const text = textOf(found);
    const isNew = text !== this.#told;
    this.#told = text;
    if (found.state === 'active') {
      const nowMs = clock.now().getTime();
      // A clock that jumped back must not silence it.
      const sinceMs = Math.abs(nowMs - this.#warnedMs);
      if (isNew || sinceMs >= WARN_MS) {
        const { until, by, reason } = found;
        log.warn({ until: isoTime(until), by, reason }, text);
        this.#warnedMs = nowMs;
      }
    } else if (isNew && found.state === 'ignored') {
      metrics.countError(found.error.code);
      log.warn({ code: found.error.code }, text);
    }
    this.#turn(found.state === 'active', onTurn);
  }

  #turn(isActive: boolean, onTurn: () => void): void {
    if (isActive === this.#wasActive) return;
    this.#wasActive = isActive;
    if (!isActive) this.#parts.log.info('break-glass is over: pulls are judged again');
    onTurn();
  }
}

function textOf(found: BreakGlass): string {
  switch (found.state) {
    case 'absent':
      return 'absent';
    case 'active':
      return `break-glass: ${describeBreakGlass(found)}`;
    case 'ignored':
      return `ignored ${found.error.message}`;
  }
}
