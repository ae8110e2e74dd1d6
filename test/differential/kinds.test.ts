import { describe, expect, it } from 'vitest';
import { differencesTable, DIFFERENCES } from './differences.ts';
import { caseName, each, kind } from './kind.ts';
import { KINDS } from './kinds.ts';
import { drawCases } from './random.ts';

const CASES = KINDS.flatMap(({ cases }) => cases);

describe('the kinds of cases', () => {
  it('are many, and no case is there twice', () => {
    expect(KINDS.length).toBeGreaterThanOrEqual(40);
    expect(CASES.length).toBeGreaterThanOrEqual(400);
    expect(new Set(KINDS.map(({ name }) => name)).size).toBe(KINDS.length);
    expect(new Set(CASES.map(caseName)).size).toBe(CASES.length);
  });

  it('are every combination of their parameters', () => {
    const built: unknown[] = [];
    const two = kind({
      name: 'two',
      parameters: { letter: each('a', 'b'), number: { one: 1, none: undefined } },
      build: (values) => {
        built.push(values);
        throw new Error('not built');
      },
    });
    expect(two.cases.map(caseName)).toEqual([
      'two, letter: a, number: one',
      'two, letter: a, number: none',
      'two, letter: b, number: one',
      'two, letter: b, number: none',
    ]);
    expect(() => two.cases[3]?.build({} as never)).toThrow('not built');
    expect(built).toEqual([{ letter: 'b', number: undefined }]);
  });
});

describe('the cases of a run', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(drawCases(KINDS, 60, 7)).toEqual(drawCases(KINDS, 60, 7));
    expect(drawCases(KINDS, 60, 7)).not.toEqual(drawCases(KINDS, 60, 8));
  });

  it('are one of each kind before any kind has two, and each once', () => {
    const first = drawCases(KINDS, KINDS.length, 1).map((one) => one.kind);
    expect(new Set(first).size).toBe(KINDS.length);
    const all = drawCases(KINDS, 1_000_000, 1);
    expect(new Set(all.map(caseName)).size).toBe(CASES.length);
  });

  it('are first of the kinds that have to be there', () => {
    const last = KINDS.at(-1)?.name ?? '';
    expect(drawCases(KINDS, 1, 1, new Set([last]))[0]?.kind).toBe(last);
  });
});

describe('the listed differences', () => {
  it('name kinds that exist, each once', () => {
    const named = DIFFERENCES.flatMap(({ kinds }) => kinds);
    const known = new Set(KINDS.map(({ name }) => name));
    expect(named.filter((name) => !known.has(name))).toEqual([]);
    expect(new Set(named).size).toBe(named.length);
    expect(new Set(DIFFERENCES.map(({ id }) => id)).size).toBe(DIFFERENCES.length);
    expect(DIFFERENCES.filter(({ kinds }) => kinds.length === 0)).toEqual([]);
  });

  it('are a table of as many rows, each of which says who accepts', () => {
    const [head, ...rows] = differencesTable();
    expect(head).toHaveLength(4);
    expect(rows).toHaveLength(DIFFERENCES.length);
    for (const [, theirs, ours] of rows)
      expect([theirs, ours].sort()).toEqual(['accepts', 'refuses']);
  });
});
