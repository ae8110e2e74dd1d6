import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, ERROR_CODES } from '../agent/errors.ts';
import { assertedWords, texts } from './support/asserted-words.ts';

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];
/** Files that only say of codes what they mean. */
const LISTS = new Set(['errors.ts', 'notation/verification/inconclusive.ts']);
const ROOT = fileURLToPath(new URL('../', import.meta.url));

function textsIn(
  folder: string,
  isMeant: (path: string) => boolean,
  read: (source: string) => ReadonlySet<string>,
): Set<string> {
  const paths = readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' }).filter(isMeant);
  return new Set(
    paths.flatMap((path) => [...read(readFileSync(`${ROOT}${folder}/${path}`, 'utf8'))]),
  );
}

describe('the error codes', () => {
  it('each arise somewhere in agent/', () => {
    const isMeant = (path: string): boolean => path.endsWith('.ts') && !LISTS.has(path);
    const used = textsIn('agent', isMeant, texts);
    const unused = CODES.filter((code) => !used.has(code));
    expect(unused, `nothing in agent/ throws ${unused.join(', ')}`).toEqual([]);
  });

  it('are each expected by a test', () => {
    const asserted = textsIn('test', (path) => path.endsWith('.test.ts'), assertedWords);
    const missing = CODES.filter((code) => !asserted.has(code));
    expect(missing, `no test expects ${missing.join(', ')}`).toEqual([]);
  });
});

describe('a word', () => {
  it.each([
    "expectCode(() => parse(''), 'x');",
    "await expectCodeAsync(promise, 'x');",
    "expect(verdict.reason).toBe('x');",
    "expect(await decide()).toBe('deny x');",
    "expect(verdict).toMatchObject({ decision: 'deny', reason: 'x' });",
    "it.each([['name', 'x']])('%s', (name, code) => { expectCode(() => name, code); });",
    "it.each([['name', { code: 'x' }]] as const)('%s', test);",
    "const CASES = [['name', 'x']] as const; it.each(CASES)('%s', test);",
    "for (const [input, code] of [['', 'x']] as const) expectCode(() => parse(input), code);",
    "const CASES = [['', 'x']]; for (const [input, code] of CASES) expectCode(() => input, code);",
  ])('is expected by %s', (line) => {
    expect(assertedWords(line)).toContain('x');
  });

  it.each([
    "const verdict = { reason: 'x' };",
    "show('x');",
    "type Code = 'x';",
    "expect(parse('x')).toBe(1);",
    "it('x', () => undefined);",
    "// expectCode(f, 'x')",
  ])('is not expected by %s', (line) => {
    expect(assertedWords(line)).not.toContain('x');
  });
});
