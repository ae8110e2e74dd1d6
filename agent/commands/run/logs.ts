// All the sources of containerd's log that this node has.
import type { LogLag } from '../../metrics/sources.ts';
import { Journal, type JournalParts } from './journal.ts';
import type { SourceParts } from './log-sources.ts';

/** One part of the process for each source. */
export class Logs {
  readonly journals: readonly Journal[];

  constructor(sources: readonly SourceParts[], parts: Omit<JournalParts, keyof SourceParts>) {
    this.journals = sources.map((source) => new Journal({ ...parts, ...source }));
  }

  /** How far behind the reading of each is. */
  get lags(): readonly LogLag[] {
    return this.journals.map(({ name, lagSeconds }) => ({ source: name, seconds: lagSeconds }));
  }

  /** The greatest of them; null before anything is known. */
  get lagSeconds(): number | null {
    const known = this.lags.map(({ seconds }) => seconds).filter((seconds) => seconds !== null);
    return known.length === 0 ? null : Math.max(...known);
  }
}
