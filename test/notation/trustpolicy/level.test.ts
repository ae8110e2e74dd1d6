// Levels: the specification's table, and what a statement may change about it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Findings } from '../../../agent/notation/trustpolicy/findings.ts';
import {
  parseSignatureVerification,
  type SignatureVerification,
} from '../../../agent/notation/trustpolicy/level.ts';
import {
  type Level,
  LEVELS,
  VALIDATION_TYPES,
  type ValidationAction,
} from '../../../agent/notation/verification/verdict.ts';

/** In the order of VALIDATION_TYPES: integrity, authenticity, authenticTimestamp, expiry, revocation. */
const TABLE: Record<Level, readonly ValidationAction[]> = {
  strict: ['enforce', 'enforce', 'enforce', 'enforce', 'enforce'],
  permissive: ['enforce', 'enforce', 'log', 'log', 'log'],
  audit: ['enforce', 'log', 'log', 'log', 'log'],
  skip: ['skip', 'skip', 'skip', 'skip', 'skip'],
};

function parse(value: unknown): {
  found: SignatureVerification | undefined;
  faults: readonly string[];
} {
  const findings = new Findings();
  const found = parseSignatureVerification(value, 'it', findings);
  return { found, faults: findings.faults.map(({ path, message }) => `${path}: ${message}`) };
}

describe('parseSignatureVerification', () => {
  it.each(LEVELS)('gives level %s its row of the table', (level) => {
    const { found, faults } = parse({ level });
    expect(faults).toEqual([]);
    expect(VALIDATION_TYPES.map((type) => found?.enforcement[type])).toEqual(TABLE[level]);
  });

  it('applies overrides to their validation types alone', () => {
    const override = { authenticity: 'log', expiry: 'log', revocation: 'skip' };
    const { found, faults } = parse({ level: 'strict', override });
    expect(faults).toEqual([]);
    expect(found?.enforcement).toEqual({
      integrity: 'enforce',
      authenticity: 'log',
      authenticTimestamp: 'enforce',
      expiry: 'log',
      revocation: 'skip',
    });
    expect(parse({ level: 'strict' }).found?.enforcement.expiry).toBe('enforce');
  });

  it.each([
    ['absent', {}, 'always'],
    ['empty', { verifyTimestamp: '' }, 'always'],
    ['always', { verifyTimestamp: 'always' }, 'always'],
    ['afterCertExpiry', { verifyTimestamp: 'afterCertExpiry' }, 'afterCertExpiry'],
  ])('reads verifyTimestamp when it is %s', (_, members, expected) => {
    const { found, faults } = parse({ level: 'strict', ...members });
    expect(faults).toEqual([]);
    expect(found?.verifyTimestamp).toBe(expected);
  });

  it.each([{ override: {} }, { override: null }])('takes %j for no override', (members) => {
    expect(parse({ level: 'skip', ...members }).faults).toEqual([]);
  });

  it.each<[string, string, unknown]>([
    ['a missing level', '.level', {}],
    ['an empty level', '.level', { level: '' }],
    ['an unknown level', '.level', { level: 'enforce' }],
    ['a level in other case', '.level', { level: 'Strict' }],
    ['a level that is no string', '.level', { level: ['strict'] }],
    ['an override of level skip', '.override', { level: 'skip', override: { expiry: 'log' } }],
    ['an override that is no object', '.override', { level: 'strict', override: [] }],
    ['an unknown validation type', '.override', { level: 'strict', override: { identity: 'log' } }],
    ['a type in other case', '.override', { level: 'strict', override: { Expiry: 'log' } }],
    ['an unknown action', '.override.expiry', { level: 'strict', override: { expiry: 'warn' } }],
    ['an action of null', '.override.expiry', { level: 'strict', override: { expiry: null } }],
    ['integrity logged', '.override.integrity', { level: 'audit', override: { integrity: 'log' } }],
    [
      'integrity overridden with what it is',
      '.override.integrity',
      { level: 'audit', override: { integrity: 'enforce' } },
    ],
    ...(['authenticity', 'authenticTimestamp', 'expiry'] as const).map(
      (type): [string, string, unknown] => [
        `${type} skipped`,
        `.override.${type}`,
        { level: 'strict', override: { [type]: 'skip' } },
      ],
    ),
    ['an unknown time', '.verifyTimestamp', { level: 'strict', verifyTimestamp: 'never' }],
    ['a time at level skip', '.verifyTimestamp', { level: 'skip', verifyTimestamp: 'x' }],
    ['a member in other case', '', { level: 'strict', Override: { expiry: 'log' } }],
  ])('refuses %s', (_, place, value) => {
    expect(parse(value).faults).toEqual([expect.stringContaining(`it${place}: expected `)]);
  });

  it('notes a fault or returns an enforcement of integrity, whatever it is given', () => {
    const value = fc.record({
      level: fc.oneof(fc.constantFrom('strict', 'permissive', 'audit'), fc.jsonValue()),
      override: fc.oneof(
        fc.dictionary(fc.constantFrom(...VALIDATION_TYPES), fc.constantFrom('log', 'skip')),
        fc.jsonValue(),
      ),
    });
    fc.assert(
      fc.property(fc.oneof(value, fc.jsonValue()), (json) => {
        const { found, faults } = parse(json);
        if (faults.length > 0 || found?.level === 'skip') return;
        expect(found?.enforcement.integrity).toBe('enforce');
      }),
    );
  });
});
