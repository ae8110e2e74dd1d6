// Enforcing is what holds whenever anybody says so, or nobody says anything that we know.
import { expect, it } from 'vitest';
import { isPullMode, stricterMode } from '../../agent/pull/mode.ts';

it.each([
  ['audit', 'audit', 'audit'],
  ['audit', 'enforce', 'enforce'],
  ['enforce', 'audit', 'enforce'],
  ['enforce', 'enforce', 'enforce'],
] as const)('is, of %s and %s, %s', (one, other, mode) => {
  expect(stricterMode(one, other)).toBe(mode);
});

it('is one of two words', () => {
  expect(['enforce', 'audit'].every(isPullMode)).toBe(true);
  expect(['Audit', 'audit ', '', 'break_glass', null, true, 1, ['audit']].some(isPullMode)).toBe(
    false,
  );
});
