// Every rule has a test, and that test is there.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALL_RULES } from './rules/all-rules.ts';
import { type NamedTest, rules } from './rules/rule.ts';
import { declares, readTestFile, type TestFile } from './rules/test-names.ts';

const files = new Map<string, TestFile>();

function isThere({ file, name }: NamedTest): boolean {
  let found = files.get(file);
  if (found === undefined) {
    found = readTestFile(readFileSync(new URL(file, import.meta.url), 'utf8'));
    files.set(file, found);
  }
  return declares(found, name);
}

describe('the rules', () => {
  it('have tests that are there', () => {
    const missing = ALL_RULES.flatMap(({ id, tests }) =>
      tests.filter((test) => !isThere(test)).map(({ file, name }) => `${id}: ${file}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('have one test each at least, and none twice', () => {
    const untested = ALL_RULES.filter(
      ({ tests }) =>
        new Set(tests.map(({ file, name }) => `${file}: ${name}`)).size !== tests.length ||
        tests.length === 0,
    );
    expect(untested).toEqual([]);
  });

  it('have an id of their own, and a sentence', () => {
    const ids = ALL_RULES.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids.filter((id) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(id))).toEqual([]);
    expect(ALL_RULES.filter(({ says }) => !/^\w.*\.$/.test(says))).toEqual([]);
  });
});

describe('the name of a test', () => {
  const file = readTestFile(`
    describe.each(['a', 'b'] as const)('outer %s', (name) => {
      it('is plain', () => {});
      it.each([['one', 1], ['two words', 2]] as const)('has %s and %i', () => {});
      it.each(kinds.map((kind) => [\`\${kind} thing\`]))('refuses %s', () => {});
      it.each([['quoted'], [KIND]])('shows %j', () => {});
      it.skipIf(isSlow)('may be left out (100 %)', () => {});
    });
    const kind = 'big';
    fit('is no test', () => {});
    expect.soft('is no test either');
  `);

  it.each([
    ...['is plain', 'outer a > is plain', 'outer %s > is plain', 'outer b > has two words and 2'],
    ...['has one and 1', 'has %s and %i', 'shows "quoted"', 'may be left out (100 %)'],
    'refuses big thing',
  ])('is known as %s', (name) => {
    expect(declares(file, name)).toBe(true);
  });

  it.each([
    ...['outer a', 'outer c > is plain', 'plain', 'is plain > outer a', 'has three and 1'],
    ...['is no test', 'is no test either', 'has one', 'refuses small thing', 'shows "other"', ''],
  ])('is not %j', (name) => {
    expect(declares(file, name)).toBe(false);
  });

  it('may be of another file', () => {
    const [rule] = rules('RFC 1 "x"', 'a.test.ts', [
      ['id', 'It is.', 'one', 'b/c.test.ts: two: x'],
    ]);
    expect(rule?.tests).toEqual([
      { file: 'a.test.ts', name: 'one' },
      { file: 'b/c.test.ts', name: 'two: x' },
    ]);
  });
});
