// Prints a line for each test that failed, from the test runner's JSON result: where a run is cut
// short for a reader, its end still names them.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** What is read of the result. */
interface RunnerResult {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

/** Of a failure's message. */
const MAX_CHARACTERS = 300;

/** `FILE: TEST: first line of its message`, and for a file that failed by itself `FILE: message`; files below `root`. */
export function failureLines({ testResults }: RunnerResult, root: string): readonly string[] {
  return testResults.flatMap(({ name, status, message = '', assertionResults }) => {
    const file = relative(root, name);
    const failed = assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0) return status === 'failed' ? [`${file}: ${firstLine(message)}`] : [];
    return failed.map(
      ({ fullName, failureMessages }) =>
        `${file}: ${fullName}: ${firstLine(failureMessages?.[0] ?? '')}`,
    );
  });
}

function firstLine(text: string): string {
  return (text.trim().split('\n', 1)[0] ?? '').slice(0, MAX_CHARACTERS);
}

if (import.meta.main) {
  const [file = '', root = '.'] = process.argv.slice(2);
  const result = JSON.parse(readFileSync(file, 'utf8')) as RunnerResult;
  for (const line of failureLines(result, root)) console.log(line);
}
