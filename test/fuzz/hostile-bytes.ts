// Bytes for a parser: random ones, and good ones with a few changes.
import fc from 'fast-check';
import { insideDer } from './der-edit.ts';
import { type Edit, edits } from './edits.ts';

/** How many changes at once: more only move the input away from what is nearly good. */
const MAX_EDITS = 3;

/** Mostly changed seeds, since random bytes rarely get past the first check. */
export function hostileBytes(seeds: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  return fc.oneof(
    { arbitrary: randomBytes(), weight: 1 },
    { arbitrary: changedBytes(seeds), weight: 9 },
  );
}

/** One of the seeds, changed. */
export function changedBytes(seeds: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  const all = seeds.map((seed) => Buffer.from(seed));
  const plain = edits(all);
  const structured = fc
    .tuple(fc.nat(0xffff), plain, fc.boolean())
    .map(([which, edit, isWhole]) => insideDer(which, edit, isWhole));
  const isDer = all.some((seed) => seed[0] === 0x30);
  const change = isDer ? fc.oneof(plain, structured, structured) : plain;
  return fc
    .tuple(fc.constantFrom(...all), fc.array(change, { minLength: 1, maxLength: MAX_EDITS }))
    .map(([seed, changes]) => changes.reduce((bytes: Buffer, edit: Edit) => edit(bytes), seed));
}

function randomBytes(): fc.Arbitrary<Buffer> {
  return fc
    .oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.uint8Array({ maxLength: 1024 }),
      fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text)),
      fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
    )
    .map((bytes) => Buffer.from(bytes));
}
