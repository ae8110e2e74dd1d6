// The difference of two texts as diff -u writes it.

const CONTEXT_LINES = 3;

interface Line {
  readonly kind: ' ' | '-' | '+';
  readonly text: string;
}

/** Empty when they are equal. Null stands for a file that is not there. */
export function unifiedDiff(path: string, before: string | null, after: string | null): string {
  const lines = compare(linesOf(before), linesOf(after));
  const hunks = hunksOf(lines);
  if (hunks.length === 0) return '';
  const name = (text: string | null) => (text === null ? '/dev/null' : path);
  return `--- ${name(before)}\n+++ ${name(after)}\n${hunks.join('')}`;
}

/** With their ends, so that a missing one shows. */
function linesOf(text: string | null): readonly string[] {
  return text === null ? [] : (text.match(/[^\n]*\n|[^\n]+$/g) ?? []);
}

/**
 * Our changes are few and far between: what is equal at both ends of a difference is found by
 * looking for the next common line.
 */
function compare(before: readonly string[], after: readonly string[]): readonly Line[] {
  const lines: Line[] = [];
  let [a, b] = [0, 0];
  while (a < before.length || b < after.length) {
    const [skipA, skipB] = nextCommon(before, after, a, b);
    for (const text of before.slice(a, a + skipA)) lines.push({ kind: '-', text });
    for (const text of after.slice(b, b + skipB)) lines.push({ kind: '+', text });
    [a, b] = [a + skipA, b + skipB];
    const text = before[a];
    if (text === undefined) continue;
    lines.push({ kind: ' ', text });
    [a, b] = [a + 1, b + 1];
  }
  return lines;
}

/** How many lines of each to pass over until both go on with the same line, the fewest of both together. */
function nextCommon(
  before: readonly string[],
  after: readonly string[],
  a: number,
  b: number,
): readonly [number, number] {
  const most = before.length - a + (after.length - b);
  for (let total = 0; total < most; total += 1) {
    for (let skipA = 0; skipA <= total; skipA += 1) {
      const [inA, inB] = [a + skipA, b + total - skipA];
      if (inA < before.length && inB < after.length && before[inA] === after[inB]) {
        return [skipA, total - skipA];
      }
    }
  }
  return [before.length - a, after.length - b];
}

function hunksOf(lines: readonly Line[]): readonly string[] {
  const hunks: string[] = [];
  const changes = lines.flatMap(({ kind }, index) => (kind === ' ' ? [] : [index]));
  for (let at = 0; at < changes.length;) {
    const first = changes[at] ?? 0;
    let last = first;
    while ((changes[at] ?? Infinity) <= last + 2 * CONTEXT_LINES + 1) {
      last = changes[at] ?? last;
      at += 1;
    }
    hunks.push(hunk(lines, Math.max(0, first - CONTEXT_LINES), last + CONTEXT_LINES + 1));
  }
  return hunks;
}

function hunk(lines: readonly Line[], start: number, end: number): string {
  const own = lines.slice(start, end);
  const range = (other: '-' | '+'): string => {
    const count = own.filter(({ kind }) => kind !== other).length;
    const skipped = lines.slice(0, start).filter(({ kind }) => kind !== other).length;
    return `${count === 0 ? skipped : skipped + 1},${count}`;
  };
  const body = own.map(({ kind, text }) =>
    text.endsWith('\n') ? kind + text : `${kind}${text}\n\\ No newline at end of file\n`,
  );
  return `@@ -${range('+')} +${range('-')} @@\n${body.join('')}`;
}
