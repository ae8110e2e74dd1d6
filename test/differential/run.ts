// Runs cases, a few at a time, and tells after each.
import { type Case, caseName } from './kind.ts';
import { compare, type Comparison } from './comparison.ts';
import { World } from './world.ts';

/** Two processes of notation keep two cores busy, with us and the registry in a third. */
const AT_A_TIME = 2;

/**
 * So many worlds are built before the first of them is asked about: making RSA keys takes seconds in which
 * this process answers nobody, and notation waits for an OCSP responder for two.
 */
const BATCH = 50;

/** Asks both about every case. Rejects when one of them gives no decision. */
export async function runCases(
  cases: readonly Case[],
  notation: readonly [string, ...string[]],
  tell: (done: number) => void = () => undefined,
): Promise<readonly Comparison[]> {
  await using world = await World.open(notation);
  const comparisons: Comparison[] = [];
  for (let start = 0; start < cases.length; start += BATCH) {
    const built = cases.slice(start, start + BATCH).map((one) => world.build(one));
    const waiting = built.values();
    const work = async (): Promise<void> => {
      for (const next of waiting) {
        const answers = await world.ask(next).catch((cause: unknown) => {
          throw new Error(`no decision on the case "${caseName(next.one)}"`, { cause });
        });
        comparisons.push(compare(next.one, answers));
        tell(comparisons.length);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
  }
  return comparisons;
}
