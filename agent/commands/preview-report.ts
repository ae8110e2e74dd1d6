// A preview for a person, who wants to know first what would break, and for programs.
import { type Change, type Previewed, refusedInUse } from '../audit/preview.ts';
import type { Verdict } from '../notation/verification/verdict.ts';
import { type Cell, type Style, tableRow } from './output.ts';
import type { Screen } from './screen.ts';

/** What was compared, and what came of it. */
export interface Preview {
  readonly policy: string;
  /** Null when none is in force. */
  readonly against: string | null;
  readonly previewed: readonly Previewed[];
}

type Row = readonly Cell[];

/** Widths of columns: the longest of what is in them, and a gap. */
const LABEL = 9;
const MARK = 2;
const USE = 9;
const INDENT: Cell = { text: '', width: 2 };
const UNDER_MARK: Cell = { text: '', width: 4 };

/** Every image that would change sides or be refused, in the order of the preview, and a verdict last. */
export function describePreview({ policy, against, previewed }: Preview, screen: Screen): string {
  const refused = previewed.filter(({ candidate }) => candidate.decision === 'deny').length;
  const facts: Row[] = [
    fact('policy', policy),
    fact('against', against ?? 'none: no policy is in force'),
    fact(
      'images',
      `${previewed.length}: ${previewed.length - refused} allowed, ${refused} refused`,
    ),
  ];
  const sections = [facts, previewed.filter(isTold).flatMap(rowsOf), [conclusion(previewed)]];
  return sections
    .filter((rows) => rows.length > 0)
    .map((rows) => rows.map((row) => tableRow(row, screen)).join(''))
    .join('\n');
}

/** The same as data; verdicts are whole. */
export function previewAsJson({ policy, against, previewed }: Preview): object {
  return {
    policy,
    against,
    refusedInUse: refusedInUse(previewed).length,
    images: previewed.map(({ image, change, candidate, current }) => {
      const { repository, digest, names, use } = image;
      return { repository, digest, names, use, change, candidate, current };
    }),
  };
}

function isTold({ change, candidate }: Previewed): boolean {
  return candidate.decision === 'deny' || change === 'would_be_allowed';
}

const CHANGES: Readonly<Record<Change, string>> = {
  would_be_refused: 'refused, allowed today',
  would_be_allowed: 'allowed, refused today',
  none: 'refused, as today',
  no_policy_yet: 'refused',
};

function rowsOf({ image, change, candidate }: Previewed): readonly Row[] {
  const isAllowed = candidate.decision === 'allow';
  const style: readonly Style[] = isAllowed ? ['green'] : change === 'none' ? ['yellow'] : ['red'];
  return [
    [
      INDENT,
      { text: markOf(candidate), width: MARK, style },
      { text: image.use, width: USE },
      { text: image.name, wraps: false },
    ],
    [UNDER_MARK, { text: `${CHANGES[change]}: ${candidate.reason}: ${candidate.message}` }],
  ];
}

function markOf({ decision, inconclusive }: Verdict): string {
  if (inconclusive) return '?';
  return decision === 'allow' ? '✓' : '✗';
}

function conclusion(previewed: readonly Previewed[]): Row {
  const { length } = refusedInUse(previewed);
  const changed = previewed.filter(({ change }) => change === 'would_be_refused').length;
  if (length === 0) {
    const rest = changed === 0 ? '' : `; ${counted(changed)} that nothing uses now would be`;
    return [{ text: `no image in use would be refused${rest}`, style: ['bold', 'green'] }];
  }
  const text = `${counted(length)} in use would be refused when pulled again`;
  return [{ text, style: ['bold', 'red'] }];
}

function counted(count: number): string {
  return `${count} ${count === 1 ? 'image' : 'images'}`;
}

function fact(label: string, text: string): Row {
  return [{ text: label, width: LABEL, style: ['dim'] }, { text }];
}
