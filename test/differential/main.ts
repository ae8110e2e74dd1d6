// The front door of hack/differential: draws cases, runs them, tells how far it is, prints what came of it.
import { DIFFERENCES } from './differences.ts';
import { KINDS } from './kinds.ts';
import { findNotation } from './notation.ts';
import { drawCases } from './random.ts';
import { explainFailures, failuresOf, reportTable, unseenDifferences } from './report.ts';
import { runCases } from './run.ts';

const DEFAULT_COUNT = 600;
const DEFAULT_SEED = 1;

process.exitCode = await main(process.argv.slice(2));

async function main([count, seed, ...rest]: readonly string[]): Promise<number> {
  const cases = readNumber(count, DEFAULT_COUNT);
  const start = readNumber(seed, DEFAULT_SEED);
  if (cases === undefined || start === undefined || rest.length > 0) {
    return refuse(
      `expected [COUNT] [SEED], found '${process.argv.slice(2).join(' ')}' (see --help)`,
    );
  }
  const notation = findNotation();
  if ('missing' in notation) return refuse(notation.missing);
  const drawn = drawCases(KINDS, cases, start);
  const comparisons = await runCases(drawn, notation.command, progressOf(drawn.length));
  const explained = explainFailures(comparisons);
  process.stdout.write(explained === '' ? '' : `${explained}\n`);
  process.stdout.write(reportTable(comparisons));
  const unseen = unseenDifferences(comparisons).map(({ id }) => id);
  if (unseen.length > 0) {
    process.stdout.write(`\nToo few cases to hold these differences: ${unseen.join(', ')}\n`);
  }
  const failed = failuresOf(comparisons).length;
  process.stdout.write(
    `\n${comparisons.length - failed} as they should be (${DIFFERENCES.length} listed differences), ${failed} to be mended; seed ${start}\n`,
  );
  return failed === 0 ? 0 : 1;
}

function readNumber(text: string | undefined, otherwise: number): number | undefined {
  if (text === undefined) return otherwise;
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function refuse(why: string): number {
  process.stderr.write(`hack/differential: ${why}\n`);
  return 2;
}

/** On a terminal one line that counts up; elsewhere a line now and then. */
function progressOf(count: number): (done: number) => void {
  const step = process.stderr.isTTY ? 1 : Math.ceil(count / 10);
  return (done) => {
    if (done % step !== 0 && done !== count) return;
    const text = `differential: ${done} of ${count} cases`;
    const isLast = done === count;
    process.stderr.write(process.stderr.isTTY ? `\r${text}${isLast ? '\n' : ''}` : `${text}\n`);
  };
}
