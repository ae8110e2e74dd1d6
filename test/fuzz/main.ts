// The front door of hack/fuzz: every reader of bytes from others for long, and a table of what came of it.
import { fuzz, type FuzzResult } from './fuzz.ts';
import { PARSERS } from './parsers.ts';
import { SIGNED } from './signed.ts';

process.exitCode = await main(process.argv.slice(2));

async function main([runs = '', seed = '', name = '']: readonly string[]): Promise<number> {
  const readers = [...PARSERS, ...SIGNED].filter((reader) => reader.name.includes(name));
  if (readers.length === 0) {
    process.stderr.write(`hack/fuzz: expected part of the name of a reader, found '${name}'\n`);
    return 2;
  }
  const width = Math.max(...readers.map((reader) => reader.name.length));
  write(row(width, ['reader', 'runs', 'values', 'errors', 'slowest ms']));
  const failed: FuzzResult[] = [];
  for (const reader of readers) {
    const result = await fuzz(reader, { runs: Number(runs), seed: Number(seed) });
    write(row(width, [reader.name, ...countsOf(result)]));
    if (result.failure !== undefined) failed.push(result);
  }
  for (const result of failed) write(explain(result));
  write(`\n${readers.length - failed.length} readers held, ${failed.length} failed; seed ${seed}`);
  return failed.length === 0 ? 0 : 1;
}

function countsOf({ runs, values, errors, slowestMs, failure }: FuzzResult): readonly string[] {
  const counts = [runs, values, errors, Math.ceil(slowestMs)].map(String);
  return failure === undefined ? counts : [...counts, 'FAILED'];
}

function explain({ name, failure }: FuzzResult): string {
  if (failure === undefined) return '';
  const { message, seed, input } = failure;
  return `\n${name} (seed ${seed}) failed: ${message}\ninput in base64: ${input}`;
}

function row(width: number, [first = '', ...cells]: readonly string[]): string {
  return [first.padEnd(width), ...cells.map((cell) => cell.padStart(10))].join(' ');
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
