// The front door of hack/bench: runs benchmarks one after the other, prints a table of each, writes JSON.
import { inspect, parseArgs } from 'node:util';
import { GROWTH } from './growth.ts';
import { IMAGE } from './image.ts';
import { JOURNAL } from './journal.ts';
import { LATENCY } from './latency.ts';
import { describeMachine } from './machine.ts';
import type { Benchmark } from './measurement.ts';
import { MEMORY } from './memory.ts';
import {
  keep,
  type Recorded,
  RECORDED,
  readRecordIfAny,
  toRecorded,
  writeRecord,
} from './record.ts';
import { REQUESTS } from './requests.ts';
import { REVERIFICATION } from './reverification.ts';
import { SCALE } from './scale.ts';
import { table } from './table.ts';
import { VERIFICATION } from './verification.ts';
import { VERIFIER } from './verifier.ts';
import { WEBHOOK } from './webhook.ts';

const BENCHMARKS: ReadonlyMap<string, Benchmark> = new Map([
  ['verifier', VERIFIER],
  ['memory', MEMORY],
  ['journal', JOURNAL],
  ['latency', LATENCY],
  ['verification', VERIFICATION],
  ['reverification', REVERIFICATION],
  ['scale', SCALE],
  ['growth', GROWTH],
  ['requests', REQUESTS],
  ['image', IMAGE],
  ['webhook', WEBHOOK],
]);

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  const chosen = readArguments(words);
  if (typeof chosen === 'string') {
    process.stderr.write(`hack/bench: ${chosen} (see --help)\n`);
    return 2;
  }
  if (chosen.list) {
    for (const [name, { about }] of chosen.benchmarks) {
      process.stdout.write(`${name.padEnd(14)} ${about}\n`);
    }
    return 0;
  }
  const machine = await describeMachine();
  const names = chosen.benchmarks.map(([name]) => name);
  const before = chosen.record ? keep(readRecordIfAny(RECORDED), machine, names) : [];
  const results: Recorded[] = [];
  for (const [name, benchmark] of chosen.benchmarks) {
    const result = await measure(name, benchmark);
    if (result === null) continue;
    results.push(result);
    // After each: the next may take long, and be interrupted.
    if (chosen.record)
      await writeRecord(RECORDED, { machine, benchmarks: inOrder(before, results) });
  }
  if (chosen.json !== undefined) await writeRecord(chosen.json, { machine, benchmarks: results });
  return results.length === chosen.benchmarks.length ? 0 : 1;
}

/** What was measured now, in the place of what was before. */
function inOrder(before: readonly Recorded[], now: readonly Recorded[]): readonly Recorded[] {
  const byName = new Map([...before, ...now].map((result) => [result.name, result]));
  return [...BENCHMARKS.keys()].flatMap((name) => byName.get(name) ?? []);
}

/** Null, and said so, when it fails: what the others take hours for is not to be lost. */
async function measure(name: string, { about, run }: Benchmark): Promise<Recorded | null> {
  process.stderr.write(`bench: ${name}\n`);
  try {
    const measurements = await run();
    process.stdout.write(`\n${name}: ${about}\n${table(measurements)}`);
    return toRecorded(name, about, measurements, new Date());
  } catch (error) {
    process.stderr.write(`bench: ${name} failed: ${inspect(error)}\n`);
    return null;
  }
}

function readArguments(words: readonly string[]) {
  const options = {
    list: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    json: { type: 'string' },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true });
    const unknown = positionals.find((name) => !BENCHMARKS.has(name));
    if (unknown !== undefined) {
      return `expected one of ${[...BENCHMARKS.keys()].join(', ')}, found '${unknown}'`;
    }
    const isChosen = ([name]: readonly [string, Benchmark]) =>
      positionals.length === 0 || positionals.includes(name);
    return { benchmarks: [...BENCHMARKS].filter(isChosen), ...values };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
