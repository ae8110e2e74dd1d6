// The record that the pull verifier leaves in the journal: one JSON object under 1 KiB, encoded and parsed.
import { AgentError, ERROR_CODES, type ErrorCode } from '../../errors.ts';
import type { Decision, Reason, Verdict } from '../../notation/verification/verdict.ts';
import { type Digest, parseDigest } from '../../oci/digest.ts';

/** Who judged: the agent on its socket, or the verifier by itself with what the host holds. */
export const VERDICT_VIAS = ['agent', 'host'] as const;
export type VerdictVia = (typeof VERDICT_VIAS)[number];

/** Whether the pull was bound by the verdict, or only recorded it. */
export const VERDICT_MODES = ['enforce', 'audit', 'break_glass'] as const;
export type VerdictMode = (typeof VERDICT_MODES)[number];

/** One pull's verdict as it stands in the journal. Texts may have been cut (they end in `…`). */
export interface VerdictLine {
  readonly decision: Decision;
  readonly reason: Reason;
  readonly inconclusive: boolean;
  /** `registry/repository`; '' when it was unknown or had to be cut, since half of one names another. */
  readonly repository: string;
  readonly digest: Digest | null;
  readonly policy: string | null;
  readonly signature: Digest | null;
  readonly signer: string | null;
  /** Signatures that were looked at beside the one that decided. */
  readonly skipped: number;
  /** At least the first 16 hexadecimal digits. */
  readonly policyHash: string | null;
  readonly trustHash: string | null;
  /** RFC 3339. */
  readonly time: string;
  readonly durationMs: number;
  readonly via: VerdictVia;
  readonly mode: VerdictMode;
  /** The reference as containerd gave it. */
  readonly name: string;
  readonly message: string;
}

/** Facts of the pull that the verdict itself does not hold. */
export type VerdictLineContext = Pick<VerdictLine, 'name' | 'via' | 'mode'>;

/** Short enough for every log pipeline; `journalctl -o json` shows values up to 4096 bytes. */
export const MAX_VERDICT_LINE_BYTES = 1023;
/** How every verdict line starts; the words are those people already grep containerd's log for. */
export const VERDICT_LINE_START = '{"msg":"notation signature verify: ';
const FORMAT = 1;
// What operators can spare most goes first; all else together always fits.
const CUT_ORDER = ['message', 'name', 'signer', 'policy', 'repository'] as const;
const ELLIPSIS = '…';
// As a table of types, so that a reason that is added cannot be forgotten here.
const ALLOW_REASONS: Readonly<Record<Exclude<Reason, ErrorCode>, true>> = {
  verified: true,
  failure_logged: true,
  skipped_by_policy: true,
  break_glass: true,
};

/** Encodes a verdict as one line without line end, cutting texts until it fits. */
export function encodeVerdictLine(verdict: Verdict, context: VerdictLineContext): string {
  const { decision, reason, inconclusive, repository, digest, policy, signature, signer } = verdict;
  const { skippedSignatures } = verdict;
  const record = {
    msg: `notation signature verify: ${decision}`,
    nodeseal: FORMAT,
    decision,
    reason,
    inconclusive,
    repository,
    digest,
    policy,
    signature,
    signer,
    // Left out of most lines, which have none; those of older verifiers never have it.
    ...(skippedSignatures.count === 0 ? {} : { skipped: skippedSignatures.count }),
    policyHash: verdict.policyHash,
    trustHash: verdict.trustHash,
    time: verdict.time,
    ms: Math.max(0, Math.round(verdict.durationMs)),
    via: context.via,
    mode: context.mode,
    name: context.name,
    message: verdict.message,
  };
  for (const field of CUT_ORDER) {
    const text = record[field];
    const excess = Buffer.byteLength(toLine(record)) - MAX_VERDICT_LINE_BYTES;
    if (excess <= 0) break;
    if (text !== null) record[field] = field === 'repository' ? '' : cut(text, excess);
  }
  return toLine(record);
}

// journalctl shows a message with control characters as "[… blob data]", which no grep finds.
function toLine(record: object): string {
  const line = JSON.stringify(record);
  // As long in bytes as in characters is ASCII, and of that JSON leaves one control character.
  if (Buffer.byteLength(line) === line.length && !line.includes('\u007f')) return line;
  return line.replace(
    /[\u007f-\u009f]/g,
    (control) => `\\u00${control.charCodeAt(0).toString(16)}`,
  );
}

// Every byte dropped from a text drops at least one from its JSON.
function cut(text: string, excess: number): string {
  const bytes = Buffer.from(text);
  const keep = bytes.length - excess - Buffer.byteLength(ELLIPSIS);
  if (keep <= 0) return '';
  // A character cut in half decodes to U+FFFD, which may be longer than the half was: drop it.
  return bytes.toString('utf8', 0, keep).replace(/\ufffd+$/, '') + ELLIPSIS;
}

/**
 * Parses and checks every field of a verdict line. Whether our verifier wrote it is not checked:
 * that is `sourceOf`. Throws `journal_line_invalid`, or `digest_invalid` for a digest.
 */
export function parseVerdictLine(text: string): VerdictLine {
  const record = parseRecord(text);
  if (record['nodeseal'] !== FORMAT) throw invalid(record, 'nodeseal', `format ${FORMAT}`);
  return {
    decision: oneOf(record, 'decision', ['allow', 'deny']),
    reason: reasonOf(record),
    inconclusive: booleanOf(record, 'inconclusive'),
    repository: textOf(record, 'repository'),
    digest: digestOf(record, 'digest'),
    policy: nullable(record, 'policy', textOf),
    signature: digestOf(record, 'signature'),
    signer: nullable(record, 'signer', textOf),
    skipped: record['skipped'] === undefined ? 0 : wholeOf(record, 'skipped', 'a count'),
    policyHash: nullable(record, 'policyHash', hashOf),
    trustHash: nullable(record, 'trustHash', hashOf),
    time: timeOf(record),
    durationMs: wholeOf(record, 'ms', 'whole milliseconds'),
    via: oneOf(record, 'via', VERDICT_VIAS),
    mode: oneOf(record, 'mode', VERDICT_MODES),
    name: textOf(record, 'name'),
    message: textOf(record, 'message'),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parseRecord(text: string): Fields {
  if (!text.startsWith(VERDICT_LINE_START)) {
    throw new AgentError('journal_line_invalid', `verdict line: expected ${VERDICT_LINE_START}…`);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_VERDICT_LINE_BYTES) {
    throw new AgentError(
      'journal_line_invalid',
      `verdict line: expected at most ${MAX_VERDICT_LINE_BYTES} bytes, found ${bytes}`,
    );
  }
  try {
    return JSON.parse(text) as Fields;
  } catch (cause) {
    throw new AgentError('journal_line_invalid', 'verdict line: expected JSON', { cause });
  }
}

function reasonOf(record: Fields): Reason {
  const reason = textOf(record, 'reason');
  const known = Object.hasOwn(ALLOW_REASONS, reason) || Object.hasOwn(ERROR_CODES, reason);
  if (!known) throw invalid(record, 'reason', 'a reason code');
  return reason as Reason;
}

function textOf(record: Fields, key: string): string {
  const value = record[key];
  if (typeof value !== 'string') throw invalid(record, key, 'a string');
  return value;
}

function booleanOf(record: Fields, key: string): boolean {
  const value = record[key];
  if (typeof value !== 'boolean') throw invalid(record, key, 'true or false');
  return value;
}

function hashOf(record: Fields, key: string): string {
  const value = textOf(record, key);
  if (!/^[0-9a-f]{16,64}$/.test(value)) throw invalid(record, key, '16 to 64 hexadecimal digits');
  return value;
}

function digestOf(record: Fields, key: string): Digest | null {
  return nullable(record, key, (fields) =>
    parseDigest(textOf(fields, key), `verdict line: ${key}`),
  );
}

function timeOf(record: Fields): string {
  const value = textOf(record, 'time');
  if (!/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(value) || isNaN(Date.parse(value))) {
    throw invalid(record, 'time', 'an RFC 3339 time');
  }
  return value;
}

function wholeOf(record: Fields, key: string, expected: string): number {
  const value = record[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw invalid(record, key, expected);
  }
  return value;
}

function oneOf<T extends string>(record: Fields, key: string, values: readonly T[]): T {
  const value = values.find((candidate) => candidate === record[key]);
  if (value === undefined) throw invalid(record, key, values.join(' or '));
  return value;
}

function nullable<T>(
  record: Fields,
  key: string,
  read: (record: Fields, key: string) => T,
): T | null {
  return record[key] === null ? null : read(record, key);
}

function invalid(record: Fields, key: string, expected: string): AgentError {
  const shown = JSON.stringify(record[key]) as string | undefined;
  return new AgentError(
    'journal_line_invalid',
    `verdict line: ${key}: expected ${expected}, found ${(shown ?? 'nothing').slice(0, 80)}`,
  );
}
