// What a log line of containerd says about images and their verification: reference texts of containerd 2.0 to 2.3.
import { AgentError } from '../../errors.ts';
import { type Digest, parseDigest } from '../../oci/digest.ts';
import type { ContainerdLine, LogLevel } from './containerd-line.ts';
import { parseGoQuoted } from './go-quote.ts';
import { type NoJudgement, parseNoJudgement, parseRejectingVerifier } from './judgement-reason.ts';

/** Names, reasons and errors are attacker-controlled text. */
export type ContainerdEvent =
  | JudgementEvent
  /** More files in `bin_dir` than `max_verifiers`: the rest did not run. */
  | { readonly kind: 'verifiers_skipped'; readonly detail: string }
  /** Pulls of the CRI bypass every verifier until containerd is configured otherwise. */
  | { readonly kind: 'pull_fallback'; readonly setting: string; readonly why: string }
  | { readonly kind: 'image_created' | 'image_updated' | 'image_deleted'; readonly name: string }
  | { readonly kind: 'pull_started'; readonly name: string }
  /** The one line at level info that holds the top-level digest. */
  | { readonly kind: 'pull_finished'; readonly name: string; readonly repoDigest: string }
  | { readonly kind: 'pull_failed'; readonly name: string; readonly error: string }
  | { readonly kind: 'containerd_started'; readonly version: string }
  | { readonly kind: 'containerd_booted' }
  | { readonly kind: 'other' };

/** containerd's own record of a judgement; `pull_allowed` is logged at level debug only. */
export type JudgementEvent =
  | (Judgement & { readonly kind: 'pull_allowed' })
  /** `verifier` is a file name in `bin_dir`; null when the reason names none. */
  | (Judgement & { readonly kind: 'pull_blocked'; readonly verifier: string | null })
  | (Judgement & NoJudgement & { readonly kind: 'no_judgement' });

interface Judgement {
  readonly name: string;
  readonly digest: Digest;
  /** The verifiers' reason, or containerd's error when there was no judgement. */
  readonly reason: string;
}

export type ContainerdEventKind = ContainerdEvent['kind'];

type Reader = (line: ContainerdLine, verifierTimeoutMs: number | undefined) => ContainerdEvent;

// Message text and level together: a shim that relays a text does not relay containerd's level too.
const WHOLE_MESSAGES: ReadonlyMap<string, readonly [LogLevel, Reader]> = new Map([
  ['Image verifier blocked pull', ['warning', pullBlocked]],
  ['Image verifier allowed pull', ['debug', pullAllowed]],
  ['No judgement received from verifier', ['error', noJudgement]],
  ['starting containerd', ['info', containerdStarted]],
] satisfies [string, readonly [LogLevel, Reader]][]);

const LONGEST_WHOLE = Math.max(...[...WHOLE_MESSAGES.keys()].map(({ length }) => length));

const PREFIXES: readonly (readonly [string, LogLevel, Reader])[] = [
  ['PullImage "', 'info', pullStarted],
  ['PullImage "', 'error', pullFailed],
  ['Pulled image "', 'info', pullFinished],
  ['ImageCreate event ', 'info', (line) => imageEvent('image_created', line)],
  ['ImageUpdate event ', 'info', (line) => imageEvent('image_updated', line)],
  ['ImageDelete event ', 'info', (line) => imageEvent('image_deleted', line)],
  ["Found '", 'warning', pullFallback],
  ['image verifiers are being skipped since directory ', 'warning', verifiersSkipped],
  ['containerd successfully booted in ', 'info', () => ({ kind: 'containerd_booted' })],
];

const OTHER: ContainerdEvent = { kind: 'other' };

/**
 * Classifies a line. `other` is every line that is none of ours; `journal_line_invalid` or
 * `digest_invalid` is thrown for a line of ours that lacks what containerd puts into it.
 * `verifierTimeoutMs` is containerd's `per_verifier_timeout`, by default its default.
 */
export function classifyContainerdLine(
  line: ContainerdLine,
  verifierTimeoutMs?: number,
): ContainerdEvent {
  // What a verifier wrote to its standard error, which may be any text.
  if (line.fields.has('image_verifier')) return OTHER;
  const { message } = line;
  // Looking up a long text takes as long as reading it.
  const whole = message.length > LONGEST_WHOLE ? undefined : WHOLE_MESSAGES.get(message);
  if (whole !== undefined)
    return whole[0] === line.level ? whole[1](line, verifierTimeoutMs) : OTHER;
  const row = PREFIXES.find(
    ([prefix, level]) => level === line.level && message.startsWith(prefix),
  );
  return row === undefined ? OTHER : row[2](line, verifierTimeoutMs);
}

function pullBlocked(line: ContainerdLine): JudgementEvent {
  const judgement = judgementOf(line, 'reason');
  const verifier = parseRejectingVerifier(judgement.reason);
  return { kind: 'pull_blocked', ...judgement, verifier };
}

function pullAllowed(line: ContainerdLine): JudgementEvent {
  return { kind: 'pull_allowed', ...judgementOf(line, 'reason') };
}

function noJudgement(line: ContainerdLine, verifierTimeoutMs: number | undefined): JudgementEvent {
  const judgement = judgementOf(line, 'error');
  const why = parseNoJudgement(judgement.reason, verifierTimeoutMs);
  return { kind: 'no_judgement', ...judgement, ...why };
}

function judgementOf(line: ContainerdLine, reasonKey: 'reason' | 'error'): Judgement {
  return {
    name: required(line, 'name'),
    digest: parseDigest(required(line, 'digest'), 'digest of a log line'),
    reason: line.fields.get(reasonKey) ?? '',
  };
}

function containerdStarted(line: ContainerdLine): ContainerdEvent {
  return { kind: 'containerd_started', version: required(line, 'version') };
}

// `PullImage %q`; with ` returns image reference %q` after it, it is the end, told by pullFinished.
function pullStarted({ message }: ContainerdLine): ContainerdEvent {
  const name = parseGoQuoted(message, 'PullImage '.length);
  return name.end === message.length ? { kind: 'pull_started', name: name.value } : OTHER;
}

function pullFailed(line: ContainerdLine): ContainerdEvent {
  const name = parseGoQuoted(line.message, 'PullImage '.length);
  if (line.message.slice(name.end) !== ' failed') return OTHER;
  return { kind: 'pull_failed', name: name.value, error: line.fields.get('error') ?? '' };
}

// `Pulled image %q with image id %q, repo tag %q, repo digest %q, size %q in %s`
function pullFinished({ message }: ContainerdLine): ContainerdEvent {
  let at = 0;
  const next = (words: string): string => {
    if (!message.startsWith(words, at)) throw invalid(`"${words.trim()}"`, message);
    const quoted = parseGoQuoted(message, at + words.length);
    at = quoted.end;
    return quoted.value;
  };
  const name = next('Pulled image ');
  next(' with image id ');
  next(', repo tag ');
  return { kind: 'pull_finished', name, repoDigest: next(', repo digest ') };
}

// Protobuf text after the prefix: `name:"…"`, then one or two spaces and labels, depending on the build.
function imageEvent(
  kind: 'image_created' | 'image_updated' | 'image_deleted',
  { message }: ContainerdLine,
): ContainerdEvent {
  const start = message.indexOf(' event ') + ' event '.length;
  if (!message.startsWith('name:', start)) throw invalid('name:', message);
  return { kind, name: parseGoQuoted(message, start + 'name:'.length).value };
}

function pullFallback({ message }: ContainerdLine): ContainerdEvent {
  const found =
    /^Found '([^']*)' in CRI config which is incompatible with transfer service \((.*)\)\. Falling back to local image pull mode\.$/.exec(
      message,
    );
  if (found?.[1] === undefined || found[2] === undefined) return OTHER;
  return { kind: 'pull_fallback', setting: found[1], why: found[2] };
}

function verifiersSkipped({ message }: ContainerdLine): ContainerdEvent {
  return { kind: 'verifiers_skipped', detail: message };
}

function required(line: ContainerdLine, key: string): string {
  const value = line.fields.get(key);
  if (value === undefined || value === '') throw invalid(`a value for ${key}`, line.message);
  return value;
}

function invalid(expected: string, message: string): AgentError {
  const found = JSON.stringify(message.slice(0, 80));
  return new AgentError(
    'journal_line_invalid',
    `containerd's log line: expected ${expected}, found ${found}`,
  );
}
