// Registry scopes: the matcher against an oracle, and doubles across statements.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Findings } from '../../../agent/notation/trustpolicy/findings.ts';
import {
  checkUniqueScopes,
  parseRegistryScopes,
} from '../../../agent/notation/trustpolicy/scope.ts';

// The grammar of repositories in words of one rule each, as an oracle for short input.
const LABEL = /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/;
const SEPARATOR = /^(\.|_|__|-+)$/;

function isOracleScope(text: string): boolean {
  const [host = '', ...path] = text.split('/');
  const [domain = '', port, ...rest] = host.split(':');
  const labels = domain.split('.').every((label) => LABEL.test(label));
  const ports = rest.length === 0 && (port === undefined || /^\d+$/.test(port));
  return labels && ports && path.length > 0 && path.every(isComponent);
}

/** Runs of letters and digits with one separator between two of them. */
function isComponent(text: string): boolean {
  const runs = text.split(/([a-z0-9]+)/);
  const [first, ...separators] = runs.filter((_, index) => index % 2 === 0);
  const last = separators.pop();
  return first === '' && last === '' && separators.every((between) => SEPARATOR.test(between));
}

function isScope(text: string): boolean {
  const findings = new Findings();
  parseRegistryScopes([text], 'scopes', findings);
  return findings.faults.length === 0;
}

it('accepts the scopes that the specification accepts, and no others', () => {
  const token = fc.constantFrom('a', 'B', '0', '-', '.', '_', '/', ':', '80', '*', '@', ' ');
  const short = fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join(''));
  fc.assert(
    fc.property(short, (text) => {
      // No port has more than five digits, so no reference could match such a scope.
      fc.pre(!/:\d{6}/.test(text));
      expect(isScope(text)).toBe(text === '*' || isOracleScope(text));
    }),
    { numRuns: 2000 },
  );
});

it('answers quickly for scopes made to make an expression backtrack', () => {
  for (const text of [`a/${'a'.repeat(250)}!`, `a/${'a-'.repeat(120)}`, `${'a-'.repeat(500)}/a`]) {
    expect(isScope(text)).toBe(false);
  }
});

it('notes every double but the first, whichever statement it stands in', () => {
  const findings = new Findings();
  const scopes = [['a/a', 'a/b'], ['a/c', 1], 'a/a', ['a/b', 'a/b']];
  const statements = scopes.map((registryScopes) => ({ registryScopes }));
  checkUniqueScopes([null, ...statements], 'p', findings);
  expect(findings.faults.map(({ path }) => path)).toEqual([
    'p[4].registryScopes[0]',
    'p[4].registryScopes[1]',
  ]);
});
