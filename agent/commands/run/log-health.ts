// How well one source of the log is read: how far behind, and what went wrong, for metrics and the agent's own log.
import type { Logger } from 'pino';
import type { Gap } from '../../audit/gap-table.ts';
import type { LogMetrics } from '../../metrics/journal.ts';
import type { FollowIncident, LogPosition } from '../../node/journald/source.ts';
import { isoTime } from '../../utc.ts';

const MICROSECONDS = 1_000_000;
/** journald tells only at the end that it refused lines; few let it do so for longer (RateLimitIntervalSec=). */
const SUPPRESSED_MS = 10 * 60 * 1000;

/** Where it is told. */
export interface LogHealthParts {
  readonly metrics: LogMetrics;
  readonly log: Logger;
  readonly now: () => Date;
  /** Lines are lost for good; told before what follows them is read. */
  readonly onGap: (gap: Gap) => void;
}

type ReaderIncident = Extract<
  FollowIncident,
  { readonly kind: 'restart' | 'fallback' | 'older_reader' | 'complaint' }
>;

/** Keeps the lag of a source and tells of its incidents. */
export class LogHealth {
  readonly #parts: LogHealthParts;
  #seconds: number | null = null;
  #waitingUs: number | null = null;

  constructor(parts: LogHealthParts) {
    this.#parts = parts;
  }

  /**
   * How long the last entry had waited when it was recorded, nothing once all is read, and for as long
   * as an entry is known to wait, since when it does. Null before anything is known.
   */
  get lagSeconds(): number | null {
    return this.#waitingUs === null ? this.#seconds : this.#secondsSince(this.#waitingUs);
  }

  /** Entries up to this one are recorded. */
  handled({ realtimeUs }: LogPosition): void {
    this.#seconds = this.#secondsSince(realtimeUs);
    this.#waitingUs = null;
  }

  /** Tells of an incident. */
  report(incident: FollowIncident): void {
    const { metrics, log } = this.#parts;
    switch (incident.kind) {
      case 'entry_invalid':
        metrics.countInvalid();
        log.warn({ code: incident.error.code }, incident.error.message);
        break;
      case 'gap':
        metrics.countGap(incident.entries);
        this.#parts.onGap({ fromMs: toMs(incident.from), toMs: toMs(incident.to) });
        log.warn(
          { from: time(incident.from), to: time(incident.to), entries: incident.entries },
          'entries of the journal are gone before they were read; any of them may have been containerd’s',
        );
        break;
      case 'suppressed':
        metrics.countSuppressed(incident.entries);
        this.#parts.onGap({ fromMs: toMs(incident.at) - SUPPRESSED_MS, toMs: toMs(incident.at) });
        log.warn(
          { at: time(incident.at), entries: incident.entries },
          'journald refused lines of containerd, because there were too many: see RateLimitBurst= in journald.conf(5)',
        );
        break;
      case 'caught_up':
        this.#seconds = 0;
        this.#waitingUs = null;
        break;
      case 'waiting':
        this.#waitingUs ??= incident.newest.realtimeUs;
        break;
      case 'restart':
      case 'fallback':
      case 'older_reader':
      case 'complaint':
        this.#reportReader(incident);
    }
  }

  #reportReader(incident: ReaderIncident): void {
    const { metrics, log } = this.#parts;
    switch (incident.kind) {
      case 'restart':
        metrics.countRestart();
        metrics.setOutdated(false);
        log.warn({ waitMs: incident.waitMs }, incident.error.message);
        break;
      case 'fallback':
        metrics.countFallback();
        log.warn(`${incident.error.message}; the agent’s own journalctl reads instead`);
        break;
      case 'older_reader': {
        const { version, hostVersion } = incident;
        metrics.setOutdated(true);
        log.warn(
          { version, hostVersion },
          'the journalctl that reads is older than the host’s systemd, and may pass over entries that it cannot read',
        );
        break;
      }
      case 'complaint':
        metrics.countComplaint();
        log.warn(incident.text);
        break;
    }
  }

  #secondsSince(us: number): number {
    return Math.max(0, this.#parts.now().getTime() / 1000 - us / MICROSECONDS);
  }
}

function time(position: LogPosition): string {
  return isoTime(new Date(toMs(position)));
}

function toMs({ realtimeUs }: LogPosition): number {
  return realtimeUs / 1000;
}
