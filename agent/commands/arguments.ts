// Command-line arguments: `node:util` parses them, this says what was wrong with them.
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { AgentError } from '../errors.ts';
import { DURATION_FORM, parseDurationMs } from '../setting-forms.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** Parses options, and any words beside them. Throws `argument_invalid`. */
export function parseWords<const T extends Options>(args: readonly string[], options: T) {
  return attempt(() =>
    parseArgs({ args: [...args], options, allowPositionals: true, strict: true }),
  );
}

/**
 * Parses options and at most `positionals.length` words, each named for messages; all of them are
 * required. Throws `argument_invalid`.
 */
export function parseArguments<const T extends Options>(
  args: readonly string[],
  options: T,
  positionals: readonly string[],
) {
  const parsed = parseWords(args, options);
  const missing = positionals[parsed.positionals.length];
  if (missing !== undefined) throw invalid(`expected ${missing}, found nothing`);
  const extra = parsed.positionals[positionals.length];
  if (extra !== undefined) throw invalid(`expected nothing more, found ${JSON.stringify(extra)}`);
  return parsed;
}

/** The value of an option that must be given. Throws `argument_invalid`. */
export function required(value: string | undefined, option: string): string {
  if (value === undefined || value === '') throw invalid(`expected ${option}, found nothing`);
  return value;
}

/** How results are printed. */
export type OutputFormat = 'text' | 'json';

/** The value of `--output`. Throws `argument_invalid`. */
export function outputFormat(value: string | undefined): OutputFormat {
  return formatOf(value, '--output');
}

/** The same of an option of another name. Throws `argument_invalid`. */
export function formatOf(value: string | undefined, option: string): OutputFormat {
  if (value === undefined || value === 'text') return 'text';
  if (value === 'json') return 'json';
  throw invalid(`${option}: expected text or json, found ${JSON.stringify(value)}`);
}

/** Longer than anybody waits, and less than what overflows a timer. */
const MAX_DURATION_MS = 24 * 60 * 60 * 1000;

/** The milliseconds that an option says, at most a day. Throws `argument_invalid`. */
export function duration(value: string | undefined, option: string, byDefaultMs: number): number {
  if (value === undefined) return byDefaultMs;
  const ms = parseDurationMs(value);
  if (ms !== undefined && ms <= MAX_DURATION_MS) return ms;
  const expected = `${DURATION_FORM}, and at most that`;
  throw invalid(`${option}: expected ${expected}, found ${JSON.stringify(value)}`);
}

function attempt<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    // Node's message may be several lines.
    const message = (cause as Error).message.replaceAll(/\s*\n\s*/g, ' ');
    throw new AgentError('argument_invalid', message, { cause });
  }
}

function invalid(message: string): AgentError {
  return new AgentError('argument_invalid', message);
}
