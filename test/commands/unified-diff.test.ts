// The difference of two texts, against diff(1) and by applying it.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unifiedDiff } from '../../agent/commands/unified-diff.ts';
import { temporaryDirectory } from '../support/front-door.ts';

const LINES = Array.from({ length: 30 }, (_, index) => `line ${index}\n`).join('');

describe('unifiedDiff', () => {
  it.each([
    ['a line of many', LINES, LINES.replace('line 15', 'another')],
    ['two places far apart', LINES, LINES.replace('line 3\n', '').replace('line 25\n', 'x\ny\n')],
    ['two places side by side', LINES, LINES.replace('line 10', 'x').replace('line 14', 'y')],
    ['lines at the end', LINES, `${LINES}\n[a]\n  b = 1\n`],
    ['an end of line', 'a\nb', 'a\nb\n'],
    ['everything', 'a\n', 'b\n'],
  ])('is what diff -u says of %s', (_, before, after) => {
    const directory = temporaryDirectory();
    const [old, now] = [join(directory, 'old'), join(directory, 'new')];
    writeFileSync(old, before);
    writeFileSync(now, after);
    const { stdout } = spawnSync('diff', ['-u', old, now], { encoding: 'utf8' });
    // diff(1) leaves a count of 1 out.
    const expected = stdout
      .replace(/^---.*\n\+\+\+.*\n/, '--- /x\n+++ /x\n')
      .replace(/^@@ -(\d+) \+(\d+) @@$/m, '@@ -$1,1 +$2,1 @@');
    expect(unifiedDiff('/x', before, after)).toBe(expected);
  });

  it('is empty for equal texts, and names no file where there is none', () => {
    expect(unifiedDiff('/x', LINES, LINES)).toBe('');
    expect(unifiedDiff('/x', null, 'a\n')).toBe('--- /dev/null\n+++ /x\n@@ -0,0 +1,1 @@\n+a\n');
    expect(unifiedDiff('/x', 'a\n', null)).toBe('--- /x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n');
  });

  it('says all that was taken out and put in, whatever the texts', () => {
    const text = fc.array(fc.constantFrom('a\n', 'b\n', 'c\n', '\n'), { maxLength: 12 });
    const property = fc.property(text, text, (before, after) => {
      const body = unifiedDiff('/x', before.join(''), after.join('')).split('\n').slice(2);
      const count = (mark: string) => body.filter((line) => line.startsWith(mark)).length;
      expect(count('+') - count('-')).toBe(after.length - before.length);
    });
    fc.assert(property);
  });
});
