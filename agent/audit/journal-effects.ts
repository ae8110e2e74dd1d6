// What an entry of the journal means for the ledger.
import type {
  ContainerdReading,
  JournalEventKind,
  JournalReading,
  PullVerdict,
} from './journal-reading.ts';
import { containerdPullLine, type PullLine } from './pull-line.ts';

/** What the ledger writes. */
export type JournalEffect = JournalLine &
  (
    | { readonly kind: 'pull_verdict'; readonly verdict: PullVerdict; readonly atUs?: number }
    | {
        readonly kind: 'event';
        readonly event: JournalEventKind;
        /** When journald received it, microseconds since 1970. */
        readonly atUs: number;
        /** For an operator; attacker-controlled, at most `MAX_DETAIL_LENGTH`. */
        readonly detail: string;
      }
  );

/** The line behind an effect. */
interface JournalLine {
  /** The same for the same line, whichever source brings it. Default: like no other. */
  readonly identity?: string | undefined;
  /** What containerd says of a pull in it. Default: nothing. */
  readonly line?: PullLine | undefined;
}

/** One row per kind of event is kept, so this bounds the table. */
export const MAX_DETAIL_LENGTH = 512;

/**
 * The effects of one reading; none for what is not ours. `identity`: see `JournalLine`.
 */
export function journalEffects(
  reading: JournalReading,
  atUs: number,
  identity?: string,
): readonly JournalEffect[] {
  const own = identity === undefined ? {} : { identity };
  switch (reading.kind) {
    case 'verdict':
      return [{ kind: 'pull_verdict', verdict: reading.verdict, atUs, ...own }];
    case 'containerd': {
      const { event } = reading;
      if (event.kind === 'other') return [];
      const line = containerdPullLine(event);
      const said = line === undefined ? {} : { line };
      return [{ ...eventEffect(event.kind, atUs, detailOf(event)), ...said, ...own }];
    }
    case 'untrusted_verdict':
      return [{ ...eventEffect('untrusted_verdict', atUs, ''), ...own }];
    case 'unreadable':
      return [{ ...eventEffect('unreadable_line', atUs, reading.error.message), ...own }];
    case 'nothing':
      return [];
  }
}

function eventEffect(event: JournalEventKind, atUs: number, detail: string) {
  return { kind: 'event', event, atUs, detail: detail.slice(0, MAX_DETAIL_LENGTH) } as const;
}

function detailOf({ name, reason, error, setting, version, detail }: ContainerdReading): string {
  const parts = [name, setting, version, reason ?? error, detail];
  return parts.filter((part) => part !== undefined).join(': ');
}
