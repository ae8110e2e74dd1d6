// Images that no statement covers.
import { expect, it } from 'vitest';
import { warnOfImages } from '../../../agent/notation/trustpolicy/coverage.ts';
import { parseTrustPolicy } from '../../../agent/notation/trustpolicy/document.ts';
import { Findings } from '../../../agent/notation/trustpolicy/findings.ts';
import { documentOf, skipStatement, statement } from '../../support/trust-policy.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

function warnings(names: readonly string[], scopes: readonly string[] = ['example.io/app']) {
  const findings = new Findings();
  const bytes = documentOf([statement({ registryScopes: scopes }), skipStatement()]);
  warnOfImages(parseTrustPolicy(bytes), names, findings);
  return findings.warnings.map(({ message }) => message);
}

it('has nothing to say about images that a statement covers, also one that skips', () => {
  expect(
    warnings([`example.io/app@${DIGEST}`, 'example.io/app:1', 'example.io/unsigned:1']),
  ).toEqual([]);
  expect(warnings(['other.io/app:1'], ['*'])).toEqual([]);
});

it('has nothing to say about the record of a configuration', () => {
  expect(warnings([DIGEST])).toEqual([]);
});

it.each([
  ['of another repository', 'example.io/app2:1', 'policy_not_applicable'],
  ['of a registry in other case', 'EXAMPLE.io/app:1', 'policy_not_applicable'],
  ['of a registry with its port', 'example.io:443/app:1', 'policy_not_applicable'],
  ['whose name is no reference', 'app:1', 'reference_invalid'],
  ['whose digest is none', 'example.io/app@sha256:1', 'digest_invalid'],
])('warns of an image %s', (_, name, code) => {
  expect(warnings([name])).toEqual([
    `the image "${name}" on this node would be refused (${code}), as no statement covers it`,
  ]);
});

it('warns once for each repository', () => {
  const names = ['a.io/a:1', 'a.io/a:2', `a.io/a@${DIGEST}`, 'a.io/b:1'];
  expect(warnings(names)).toHaveLength(2);
});
