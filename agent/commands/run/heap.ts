// Keeps the agent small: it idles beside the node's real work, and V8's defaults are for who has a machine.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Each with what it saves; together they halve what a node of 1,000 images costs (hack/bench memory). */
const FLAGS = [
  // The young generation stays at 1 MB instead of growing to 32 under a burst of verdicts.
  '--semi-space-growth-factor=1',
  // Collect once the old generation has grown by a tenth; by default it may grow by as much again.
  '--heap-growing-percent=10',
  '--optimize-for-size',
  // One compiler, Maglev, for what runs hot. Whoever has met TurboFan once has 6 MB of it, and what it saves is a
  // third of the time of reading a long journal. The baseline compiler's code is large, and nobody waits for the agent.
  '--no-turbofan',
  '--no-sparkplug',
  // Soon, because a node's images are verified within a second, and then nothing for hours.
  '--invocation-count-for-maglev=60',
  '--minimum-invocations-after-ic-update=30',
  // Code that another thread finishes lies on pages of that thread's own, which takes 4 MB for good.
  '--no-maglev-build-code-on-background',
  '--no-maglev-deopt-data-on-background',
  '--no-maglev-destroy-on-background',
  // undici's HTTP parser is one huge WebAssembly function; optimising it takes 11 MB for good.
  '--no-wasm-tier-up',
  '--no-wasm-dynamic-tiering',
  // Nor are calls into it compiled, which is TurboFan's work, too: the number is out of reach.
  '--wasm-wrapper-tiering-budget=1000000000',
];

/**
 * Sets V8's flags of this process. To be called before even the agent's code is loaded: what has grown
 * stays grown, and loading is work enough to call TurboFan.
 */
export function keepHeapSmall(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}

/**
 * Of a process that works under load for months: by default the young generation grows to 134 MB and the
 * old one may double between two collections, so that memory follows the load of the worst hour.
 */
const FLAT_FLAGS = ['--semi-space-growth-factor=1', '--heap-growing-percent=30'];

/** Keeps memory in proportion to what is alive, for a few percent of processor time. As `keepHeapSmall`. */
export function keepHeapFlat(): void {
  for (const flag of FLAT_FLAGS) setFlagsFromString(flag);
}

/** V8 collects when memory is asked for, which an idle agent hardly does. */
const COLLECT_MS = 30_000;

/**
 * Gives back, every half minute, what work has left behind: some 5 MB after a thousand verdicts, for
 * 25 ms of work. Ends with the process.
 */
export function collectRegularly(): void {
  setFlagsFromString('--expose-gc');
  // A context takes what a flag exposes only when it is made.
  const collect = runInNewContext('gc') as (options: CollectOptions) => void;
  setInterval(() => {
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }, COLLECT_MS).unref();
}

/** V8's, for the function that `--expose-gc` exposes: `last-resort` keeps nothing that can be made anew. */
interface CollectOptions {
  readonly type: 'major';
  readonly execution: 'sync';
  readonly flavor: 'last-resort';
}
