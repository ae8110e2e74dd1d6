// Runs cases, a few at a time, and tells after each.
import { type Case, caseName } from './kind.ts';
import { compare, type Comparison } from './comparison.ts';
import { World } from './world.ts';

/** Two processes of notation keep two cores busy, with us and the registry in a third. */
const AT_A_TIME = 2;

/** Asks both about every case. Rejects when one of them gives no decision. */
export async function runCases(
  cases: readonly Case[],
  notation: readonly [string, ...string[]],
  tell: (done: number) => void = () => undefined,
): Promise<readonly Comparison[]> {
  await using world = await World.open(notation);
  const comparisons: Comparison[] = [];
  const waiting = cases.values();
  const work = async (): Promise<void> => {
    for (const one of waiting) {
      const answers = await world.ask(one).catch((cause: unknown) => {
        throw new Error(`no decision on the case "${caseName(one)}"`, { cause });
      });
      comparisons.push(compare(one, answers));
      tell(comparisons.length);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return comparisons;
}
