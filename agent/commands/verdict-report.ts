// A verdict for a person: what was looked at, a table of the checks, and the decision as the last line.
import { isFailure } from '../notation/verification/evaluation.ts';
import type {
  ValidationAction,
  ValidationOutcome,
  ValidationResult,
  Verdict,
} from '../notation/verification/verdict.ts';
import { type Cell, type Style, tableRow } from './output.ts';
import type { Screen } from './screen.ts';

const MARKS: Readonly<Record<ValidationOutcome, string>> = {
  passed: '✓',
  failed: '✗',
  inconclusive: '?',
  skipped: '-',
};

const ACTIONS: Readonly<Record<ValidationAction, string>> = {
  enforce: 'enforced',
  log: 'logged',
  skip: 'skipped',
};

/** Widths of columns: the longest of what is in them, and a gap. */
const LABEL = 11;
const MARK = 2;
const TYPE = 20;
const ACTION = 10;
const INDENT: Cell = { text: '', width: 2 };
const UNDER_MARK: Cell = { text: '', width: 4 };

/** All of a verdict that a person wants to know; the rest is in its JSON. */
export function describeVerdict(verdict: Verdict, screen: Screen): string {
  const sections = [facts(verdict), checks(verdict), skipped(verdict), [decision(verdict)]];
  return sections
    .filter((rows) => rows.length > 0)
    .map((rows) => rows.map((row) => tableRow(row, screen)).join(''))
    .join('\n');
}

type Row = readonly Cell[];

function facts(verdict: Verdict): readonly Row[] {
  const { repository, digest, policy, level, signature, signer, time, durationMs } = verdict;
  return [
    fact('image', repository),
    ...(digest === null ? [] : [fact('digest', digest, false)]),
    fact('policy', policy === null ? 'none applies' : policy),
    ...(level === null ? [] : [fact('level', level)]),
    fact('signature', signature ?? 'none', false),
    ...(signer === null ? [] : [fact('signer', signer)]),
    fact('judged', `${time}, in ${durationMs} ms`),
  ];
}

/** Digests are ours to break nowhere: they are there to be copied. */
function fact(label: string, text: string, wraps = true): Row {
  return [
    { text: label, width: LABEL, style: ['dim'] },
    { text, wraps },
  ];
}

function checks({ results }: Verdict): readonly Row[] {
  return results.map((result) => [
    INDENT,
    { text: MARKS[result.outcome], width: MARK, style: styleOf(result) },
    { text: result.type, width: TYPE },
    { text: ACTIONS[result.action], width: ACTION, style: ['dim'] },
    { text: isFailure(result) ? `${result.code ?? ''}: ${result.message}` : result.message },
  ]);
}

function styleOf(result: ValidationResult): readonly Style[] {
  if (result.outcome === 'passed') return ['green'];
  if (result.outcome === 'skipped') return ['dim'];
  return result.action === 'enforce' ? ['red'] : ['yellow'];
}

function skipped({ skippedSignatures: { count, first } }: Verdict): readonly Row[] {
  if (count === 0) return [];
  const heading = `skipped ${count} other ${count === 1 ? 'signature' : 'signatures'}`;
  const rest = count - first.length;
  return [
    [{ text: heading }],
    ...first.flatMap(({ signature, code, message }): Row[] => [
      [
        INDENT,
        { text: MARKS.failed, width: MARK, style: ['yellow'] },
        { text: signature, wraps: false },
      ],
      [UNDER_MARK, { text: `${code}: ${message}` }],
    ]),
    ...(rest === 0 ? [] : [[INDENT, { text: `and ${rest} more` }]]),
  ];
}

function decision({ decision: decided, reason, inconclusive, message }: Verdict): Row {
  const colour = decided === 'allow' ? 'green' : 'red';
  const text = `${reason}${inconclusive ? ', inconclusive' : ''}: ${message}`;
  return [{ text: decided, width: `${decided}  `.length, style: ['bold', colour] }, { text }];
}
