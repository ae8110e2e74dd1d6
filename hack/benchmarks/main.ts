// The front door of hack/bench: runs benchmarks one after the other, prints a table, writes JSON.
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { IMAGE } from './image.ts';
import { JOURNAL } from './journal.ts';
import { LATENCY } from './latency.ts';
import { type Benchmark, isMet, type Measurement, median, quantile } from './measurement.ts';
import { MEMORY } from './memory.ts';
import { REQUESTS } from './requests.ts';
import { REVERIFICATION } from './reverification.ts';
import { STAMPEDE } from './stampede.ts';
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
  ['stampede', STAMPEDE],
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
      process.stdout.write(`${name.padEnd(12)} ${about}\n`);
    }
    return 0;
  }
  const results: Record<string, readonly Measurement[]> = {};
  for (const [name, { about, run }] of chosen.benchmarks) {
    process.stderr.write(`bench: ${name}\n`);
    const measurements = await run();
    results[name] = measurements;
    process.stdout.write(`\n${name}: ${about}\n${table(measurements)}`);
  }
  if (chosen.json !== undefined) await writeFile(chosen.json, encode(results));
  return 0;
}

function readArguments(words: readonly string[]) {
  const options = { list: { type: 'boolean' }, json: { type: 'string' } } as const;
  try {
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true });
    const unknown = positionals.find((name) => !BENCHMARKS.has(name));
    if (unknown !== undefined) {
      return `expected one of ${[...BENCHMARKS.keys()].join(', ')}, found '${unknown}'`;
    }
    const isChosen = ([name]: readonly [string, Benchmark]) =>
      positionals.length === 0 || positionals.includes(name);
    const benchmarks = [...BENCHMARKS].filter(isChosen);
    return { benchmarks, list: values.list ?? false, json: values.json };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function table(measurements: readonly Measurement[]): string {
  const rows = measurements.map((measurement) => {
    const { what, unit, values, target } = measurement;
    const spread = `${shown(quantile(values, 0.1))} to ${shown(quantile(values, 0.9))}`;
    return [
      what,
      shown(median(values)),
      unit,
      values.length > 1 ? spread : '',
      String(values.length),
      target === undefined ? '' : `${target.bound} ${target.value}`,
      { true: 'met', false: 'MISSED', undefined: '' }[String(isMet(measurement))] ?? '',
    ];
  });
  const all = [['', 'median', 'unit', '10 % to 90 %', 'runs', 'target', ''], ...rows];
  const widths = all[0]?.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) =>
      cell[column === 1 || column === 4 ? 'padStart' : 'padEnd'](widths?.[column] ?? 0),
    );
  return all.map((row) => `  ${line(row).join('  ').trimEnd()}\n`).join('');
}

function shown(value: number): string {
  return value.toFixed(value < 100 ? 2 : 0);
}

function encode(results: Readonly<Record<string, readonly Measurement[]>>): string {
  const benchmarks = Object.entries(results).map(([name, measurements]) => ({
    name,
    about: BENCHMARKS.get(name)?.about,
    measurements: measurements.map((measurement) => ({
      ...measurement,
      median: median(measurement.values),
      met: isMet(measurement),
    })),
  }));
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  return `${JSON.stringify({ time: new Date().toISOString(), machine, benchmarks }, null, 2)}\n`;
}
