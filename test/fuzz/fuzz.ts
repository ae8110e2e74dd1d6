// Tries one reader with hostile bytes: it returns a value or throws an AgentError, in bounded time.
import fc from 'fast-check';
import { AgentError, ERROR_CODES } from '../../agent/errors.ts';
import { hostileBytes } from './hostile-bytes.ts';

/** Something that takes bytes from others. */
export interface Reader {
  readonly name: string;
  /** Good inputs, at least one, which all give a value. Made when they are needed: some take keys. */
  readonly seeds: () => readonly Uint8Array[];
  readonly read: (bytes: Uint8Array) => unknown;
  /**
   * What a value says, for input that somebody signed: then whatever is accepted says the same as one
   * of the seeds.
   */
  readonly meaning?: (value: never) => string;
  /** In place of changed seeds and random bytes. */
  readonly inputs?: (seeds: readonly Uint8Array[]) => fc.Arbitrary<Uint8Array>;
}

export interface FuzzResult {
  readonly name: string;
  readonly runs: number;
  /** How many inputs gave a value, and how many our error. */
  readonly values: number;
  readonly errors: number;
  readonly slowestMs: number;
  readonly failure?: { readonly message: string; readonly seed: number; readonly input: string };
}

/**
 * No input here is longer than some 100 KiB, and no reader needs a twentieth of this for it: what
 * takes longer grows faster than its input. Counted is the best of three, since the machine has others to serve.
 */
export const MAX_CALL_MS = 1000;

/** Runs a reader; never throws for what it finds. */
export async function fuzz(
  reader: Reader,
  options: { readonly runs: number; readonly seed: number },
): Promise<FuzzResult> {
  const seeds = reader.seeds();
  const meanings = await meaningsOf(reader, seeds);
  const tally = { runs: 0, values: 0, errors: 0, slowestMs: 0 };
  const property = fc.asyncProperty(
    (reader.inputs ?? hostileBytes)(seeds),
    async (bytes: Uint8Array) => {
      tally.runs += 1;
      const { value, ms } = await timed(reader, bytes);
      tally.slowestMs = Math.max(tally.slowestMs, ms);
      if (ms > MAX_CALL_MS) throw new Error(`took ${Math.round(ms)} ms for ${bytes.length} bytes`);
      if (value instanceof AgentError) {
        tally.errors += 1;
        return;
      }
      tally.values += 1;
      assertMeaning(reader, value, meanings);
    },
  );
  const { runs, seed } = options;
  const details = await fc.check(property, { numRuns: runs, seed });
  const result = { name: reader.name, ...tally };
  if (!details.failed) return result;
  const error = details.errorInstance;
  return {
    ...result,
    failure: {
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      seed: details.seed,
      input: Buffer.from(details.counterexample?.[0] ?? []).toString('base64'),
    },
  };
}

/** A value, an error of ours, or a throw. */
async function attempt({ read }: Reader, bytes: Uint8Array): Promise<unknown> {
  try {
    return await read(bytes);
  } catch (error) {
    if (error instanceof AgentError && Object.hasOwn(ERROR_CODES, error.code)) return error;
    throw error;
  }
}

async function timed(reader: Reader, bytes: Uint8Array): Promise<{ value: unknown; ms: number }> {
  let best = Infinity;
  for (let turn = 1; ; turn++) {
    const started = performance.now();
    const value = await attempt(reader, bytes);
    best = Math.min(best, performance.now() - started);
    if (best <= MAX_CALL_MS || turn === 3) return { value, ms: best };
  }
}

/** Of the seeds, which have to be good: else nothing near what is good is tried. */
async function meaningsOf(
  reader: Reader,
  seeds: readonly Uint8Array[],
): Promise<ReadonlySet<string>> {
  const { name, meaning = () => '' } = reader;
  const meanings = new Set<string>();
  if (seeds.length === 0) throw new TypeError(`${name}: no seeds`);
  for (const [index, seed] of seeds.entries()) {
    const value = await attempt(reader, seed);
    if (value instanceof AgentError) {
      throw new TypeError(`${name}: seed ${index} is refused: ${value.message}`, { cause: value });
    }
    meanings.add(meaning(value as never));
  }
  return meanings;
}

function assertMeaning({ meaning }: Reader, value: unknown, meanings: ReadonlySet<string>): void {
  if (meaning === undefined) return;
  const found = meaning(value as never);
  if (!meanings.has(found)) throw new Error(`was accepted, and now says ${found}`);
}
