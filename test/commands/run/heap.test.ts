// What keeps V8 from taking memory in proportion to load, and not to what is alive.
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const HEAP = new URL('../../../agent/commands/run/heap.ts', import.meta.url).href;
/** A burst of work that keeps a little; prints the most megabytes of the young generation. */
const BURST = `
  import { getHeapSpaceStatistics } from 'node:v8';
  const kept = [];
  let most = 0;
  for (let n = 0; n < 2_000_000; n += 1) {
    kept[n % 40_000] = { n, some: [n, {}] };
    if (n % 100_000 > 0) continue;
    const young = getHeapSpaceStatistics().find((one) => one.space_name === 'new_space');
    most = Math.max(most, young.space_size / 1e6);
  }
  console.log(most);`;

function mostYoungMb(first: string): number {
  const script = `import * as heap from ${JSON.stringify(HEAP)};${first}${BURST}`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

describe('the heap under a burst of work', () => {
  it.each(['keepHeapSmall', 'keepHeapFlat'])('stays small with %s', (keep) => {
    expect(mostYoungMb(`heap.${keep}();`)).toBeLessThan(mostYoungMb('') / 2);
  });
});
