// What containerd shows of a verdict: one short printable line, which ends up in the pod's events.
import type { Verdict } from '../notation/verification/verdict.ts';

/** containerd takes 32 KiB, but kubelet cuts events at 1 KiB, its own words before ours included. */
export const MAX_ANSWER_BYTES = 800;

/** Control, format (bidirectional overrides), unassigned and separator characters but the space. */
const UNPRINTABLE = /(?! )[\p{C}\p{Z}]/gu;
const ELLIPSIS = '…';

/** `decision: reason: message`, without line end. Messages may quote attacker-controlled text. */
export function encodeAnswer({ decision, reason, message }: Verdict): string {
  const line = `${decision}: ${reason}: ${message}`.replace(UNPRINTABLE, '?');
  const bytes = Buffer.from(line);
  if (bytes.length <= MAX_ANSWER_BYTES) return line;
  const kept = bytes.toString('utf8', 0, MAX_ANSWER_BYTES - Buffer.byteLength(ELLIPSIS));
  // A character cut in half decodes to U+FFFD, which may be longer than the half was: drop it.
  return kept.replace(/\ufffd$/, '') + ELLIPSIS;
}
