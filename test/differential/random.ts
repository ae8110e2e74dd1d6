// Which cases a run takes: drawn by a seed, every kind first, no case twice.
import type { Case, Kind } from './kind.ts';

/** Numbers from 0 up to, not including, 1: the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Draws cases: one of each kind in `always`, then one of each other kind, then one more of each that
 * has more, until there are `count` or no case is left.
 */
export function drawCases(
  kinds: readonly Kind[],
  count: number,
  seed: number,
  always: ReadonlySet<string> = new Set(),
): readonly Case[] {
  const random = randomFrom(seed);
  const shuffled = shuffle(kinds, random);
  const first = shuffled.filter(({ name }) => always.has(name));
  const rest = shuffled.filter(({ name }) => !always.has(name));
  const queues = [...first, ...rest].map(({ cases }) => shuffle(cases, random));
  const drawn: Case[] = [];
  for (let round = 0; drawn.length < count; round++) {
    const taken = queues.flatMap((queue) => queue.slice(round, round + 1));
    if (taken.length === 0) break;
    drawn.push(...taken);
  }
  return drawn.slice(0, count);
}

function shuffle<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
