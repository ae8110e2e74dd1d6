// What containerd shows of a verdict: one short printable line, which ends up in the pod's events.
import type { VerdictMode } from '../node/journald/verdict-line.ts';
import type { Verdict } from '../notation/verification/verdict.ts';

/** containerd takes 32 KiB, but kubelet cuts events at 1 KiB, its own words before ours included. */
export const MAX_ANSWER_BYTES = 800;

/** Control, format (bidirectional overrides), unassigned and separator characters but the space. */
const UNPRINTABLE = /(?! )[\p{C}\p{Z}]/gu;
const ELLIPSIS = '…';

/** What is to be said beside the verdict. */
export interface AnswerContext {
  readonly mode: VerdictMode;
  /** Comes before the message, which may be cut. */
  readonly note?: string | undefined;
}

/** Most are in printable ASCII, and need no regular expression with the tables of Unicode. */
function printable(text: string): string {
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e) return text.replace(UNPRINTABLE, '?');
  }
  return text;
}

/**
 * `decision: reason: message`, without line end; where a denied pull is let in, `audit: would deny`
 * for the decision. Messages may quote attacker-controlled text.
 */
export function encodeAnswer(
  { decision, reason, message }: Verdict,
  { mode, note }: AnswerContext,
): string {
  const shown = mode === 'audit' && decision === 'deny' ? 'audit: would deny' : decision;
  const said = note === undefined ? message : `[${note}] ${message}`;
  const line = printable(`${shown}: ${reason}: ${said}`);
  const bytes = Buffer.from(line);
  if (bytes.length <= MAX_ANSWER_BYTES) return line;
  const kept = bytes.toString('utf8', 0, MAX_ANSWER_BYTES - Buffer.byteLength(ELLIPSIS));
  // A character cut in half decodes to U+FFFD, which may be longer than the half was: drop it.
  return kept.replace(/\ufffd$/, '') + ELLIPSIS;
}
