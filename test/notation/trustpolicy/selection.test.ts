// Selection: the exact scope before the global one, and no guess.
import { describe, expect, it } from 'vitest';
import { parseTrustPolicy } from '../../../agent/notation/trustpolicy/document.ts';
import { selectStatement } from '../../../agent/notation/trustpolicy/selection.ts';
import { expectCode } from '../../support/expect-code.ts';
import { documentOf, statement } from '../../support/trust-policy.ts';

const NAMED = statement({ name: 'named', registryScopes: ['example.io/a', 'example.io/b'] });
const GLOBAL = statement({ name: 'global', registryScopes: ['*'] });

describe('selectStatement', () => {
  it.each([
    ['example.io/a', 'named'],
    ['example.io/b', 'named'],
    ['example.io/c', 'global'],
    ['example.io/a/b', 'global'],
    ['Example.io/a', 'global'],
    ['example.io:443/a', 'global'],
  ])('selects for %s the statement %s', (repository, expected) => {
    // The order of statements does not matter.
    for (const statements of [
      [NAMED, GLOBAL],
      [GLOBAL, NAMED],
    ]) {
      const document = parseTrustPolicy(documentOf(statements));
      expect(selectStatement(document, repository).name).toBe(expected);
    }
  });

  it('refuses a repository that no statement covers', () => {
    const document = parseTrustPolicy(documentOf([NAMED]));
    const error = expectCode(
      () => selectStatement(document, 'example.io/c'),
      'policy_not_applicable',
    );
    expect(error.message).toContain('"example.io/c"');
  });
});
