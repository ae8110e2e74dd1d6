// Prints how many tests passed, failed and were skipped, from the test runner's JSON result.
import { readFileSync } from 'node:fs';

/** What is read of the result; the rest of it is for people. */
interface RunnerResult {
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * Counts tests by their outcome. A file that failed though no test in it did (it does not load, its
 * set-up throws) is one failure; a test that neither passed nor failed was skipped.
 */
export function countTests({ testResults }: RunnerResult) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults } of testResults) {
    for (const test of assertionResults) {
      counts[test.status === 'passed' || test.status === 'failed' ? test.status : 'skipped'] += 1;
    }
    const isUncounted = !assertionResults.some((test) => test.status === 'failed');
    if (status === 'failed' && isUncounted) counts.failed += 1;
  }
  return counts;
}

if (import.meta.main) {
  const [file = ''] = process.argv.slice(2);
  const { passed, failed, skipped } = countTests(
    JSON.parse(readFileSync(file, 'utf8')) as RunnerResult,
  );
  console.log(`${passed} ${failed} ${skipped}`);
}
