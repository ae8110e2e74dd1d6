// Break-glass: a file by which somebody lets every image in for a while. Pure: what a file says, and whether it counts now.
import { AgentError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../oci/json-object.ts';
import { cut, show } from '../oci/show.ts';
import { parseRfc3339 } from '../notation/encoding/rfc3339.ts';
import { isoTime } from '../utc.ts';

/** What the file says. */
export interface BreakGlassOrder {
  readonly until: Date;
  readonly reason: string;
  /** Who answers for it. */
  readonly by: string;
}

/** The file as it lies there. */
export interface BreakGlassFile {
  readonly bytes: Uint8Array;
  readonly writtenAt: Date;
}

/** Whether pulls are let in without being judged. A file that does not count is `ignored`, never an error of the pull. */
export type BreakGlass =
  | { readonly state: 'absent' }
  | ({ readonly state: 'active' } & BreakGlassOrder)
  | { readonly state: 'ignored'; readonly error: AgentError };

/** A time and two short texts; more is not ours. */
export const MAX_BREAK_GLASS_BYTES = 4096;
/** An emergency that lasts longer is broken glass anew each day, by somebody who still wants it. */
export const MAX_BREAK_GLASS_MS = 24 * 60 * 60 * 1000;
/** Files are stamped by a coarser clock than ours, and clocks are put right by seconds. */
const CLOCK_TOLERANCE_MS = 60_000;
/** All three fit into one line of an answer. */
const MAX_TEXT_CHARACTERS = 200;

const FORM = '{"until": RFC 3339 time, "reason": text, "by": text}';

/**
 * Parses the file. Members that are not known are ignored: nothing must keep an emergency from being
 * one that does not make it longer. Whether its time has come or gone is not checked. Throws
 * `break_glass_invalid`.
 */
export function parseBreakGlass(bytes: Uint8Array): BreakGlassOrder {
  if (bytes.length > MAX_BREAK_GLASS_BYTES) {
    throw invalid(`expected at most ${MAX_BREAK_GLASS_BYTES} bytes`);
  }
  const object = parseObject(bytes);
  const until = textOf(object, 'until');
  return {
    until: parseRfc3339(until, { what: 'break-glass: until', code: 'break_glass_invalid' }),
    reason: textOf(object, 'reason'),
    by: textOf(object, 'by'),
  };
}

/**
 * Whether an order counts at `now`. It must end within a day of having been written, so that a far
 * expiry, mistyped or meant, opens nothing for good. A clock that jumps forward ends it early. One
 * that jumps back to before it was written ends it too, for such a clock cannot tell when it
 * expires; one that jumps back by less prolongs it by the jump. A reboot removes the file.
 * Throws `break_glass_invalid`.
 */
export function assertCounts({ until }: BreakGlassOrder, writtenAt: Date, now: Date): void {
  const latest = new Date(writtenAt.getTime() + MAX_BREAK_GLASS_MS);
  if (until.getTime() > latest.getTime() + CLOCK_TOLERANCE_MS) {
    const limit = `expected until to be at most 24 h after the file was written (${iso(latest)})`;
    throw invalid(`${limit}, found ${iso(until)}`);
  }
  if (writtenAt.getTime() > now.getTime() + CLOCK_TOLERANCE_MS) {
    throw invalid(
      `the file was written at ${iso(writtenAt)}, which is in the future: write it anew`,
    );
  }
  if (until <= now) throw invalid(`it expired at ${iso(until)}`);
}

/** What a file means now. Never throws for what it holds. */
export function judgeBreakGlass({ bytes, writtenAt }: BreakGlassFile, now: Date): BreakGlass {
  try {
    const order = parseBreakGlass(bytes);
    assertCounts(order, writtenAt, now);
    return { state: 'active', ...order };
  } catch (error) {
    if (error instanceof AgentError) return { state: 'ignored', error };
    throw error;
  }
}

/** The file's text; `parseBreakGlass` reads it back. */
export function encodeBreakGlass({ until, reason, by }: BreakGlassOrder): string {
  return `${JSON.stringify({ until: isoTime(until), reason, by }, null, 2)}\n`;
}

/** Tells whether `encodeBreakGlass` wrote this; what a person writes looks otherwise. */
export function isEncodedBreakGlass(bytes: Uint8Array): boolean {
  try {
    const { until, reason, by } = parseObject(bytes);
    if (typeof reason !== 'string' || typeof by !== 'string') return false;
    const order = { until: new Date(String(until)), reason, by };
    return encodeBreakGlass(order) === Buffer.from(bytes).toString('utf8');
  } catch {
    // No JSON, or a time that is none: not ours.
    return false;
  }
}

/** One sentence for answers, logs and status. */
export function describeBreakGlass({ until, reason, by }: BreakGlassOrder): string {
  return `every image is let in until ${iso(until)}, by ${by}: ${reason}`;
}

function parseObject(bytes: Uint8Array): JsonObject {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isJsonObject(value)) return value;
  } catch (cause) {
    throw new AgentError('break_glass_invalid', `break-glass: expected ${FORM}`, { cause });
  }
  throw invalid(`expected ${FORM}`);
}

function textOf(object: JsonObject, key: keyof BreakGlassOrder): string {
  const value = Object.hasOwn(object, key) ? object[key] : undefined;
  if (typeof value === 'string' && value.trim() !== '') return cut(value, MAX_TEXT_CHARACTERS);
  throw invalid(`${key}: expected a text, found ${show(value)}`);
}

function iso(time: Date): string {
  return isoTime(time).replace(/\.\d+Z$/, 'Z');
}

function invalid(message: string): AgentError {
  return new AgentError('break_glass_invalid', `break-glass: ${message}`);
}
