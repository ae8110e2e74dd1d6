// What `policy check` tells: faults, warnings, and what this version does not perform.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPolicy } from '../../../agent/notation/trustpolicy/check.ts';
import { parseTrustPolicy } from '../../../agent/notation/trustpolicy/document.ts';
import { assertSupported } from '../../../agent/notation/trustpolicy/supported.ts';
import { expectCode } from '../../support/expect-code.ts';
import { documentOf, statement, type StatementJson } from '../../support/trust-policy.ts';

const ACME = 'x509.subject: C=US,ST=WA,O=Acme';

describe('assertSupported', () => {
  it('accepts a document without timestamps and plugins', () => {
    assertSupported(parseTrustPolicy(documentOf()));
  });

  it('refuses tsa stores and identities for plugins, all together', () => {
    const timestamps = statement({ trustStores: ['ca:acme', 'tsa:clock'] });
    const plugin = statement({
      name: 'plugin',
      registryScopes: ['*'],
      trustedIdentities: ['x509.subject: CN=a', 'example.plugin: b'],
    });
    const document = parseTrustPolicy(documentOf([timestamps, plugin]));
    const { faults } = expectCode(() => assertSupported(document), 'policy_unsupported');
    expect(faults).toEqual([
      expect.stringMatching(/^trustPolicies\[0\]\.trustStores: .*timestamps.*"tsa:clock"$/),
      expect.stringMatching(
        /^trustPolicies\[1\]\.trustedIdentities: .*plugins.*"example.plugin: b"$/,
      ),
    ]);
  });
});

describe('checkPolicy', () => {
  it('has nothing to say about a good document', () => {
    expect(checkPolicy(documentOf())).toEqual({ valid: true, faults: [], warnings: [] });
  });

  it.each<[string, string, StatementJson]>([
    ['a name without C, ST and O', 'C, ST, O', { trustedIdentities: ['x509.subject: CN=a'] }],
    ['a name without ST', 'no ST', { trustedIdentities: ['x509.subject: C=US,O=Acme'] }],
    ['a name of an empty O', 'no O', { trustedIdentities: ['x509.subject: C=US,ST=WA,O=,CN=a'] }],
    ['a type in other case', 'cn', { trustedIdentities: [`${ACME},cn=a`] }],
    ['a type by its number', '2.5.4.3', { trustedIdentities: [`${ACME},2.5.4.3=a`] }],
    ['an unknown member', '"registryScope"', { registryScope: ['example.io/b'] }],
    [
      'an unknown member further in',
      '"overide"',
      { signatureVerification: { level: 'strict', overide: {} } },
    ],
    ['a short name of Docker Hub', 'docker.io/library/a', { registryScopes: ['docker.io/a'] }],
  ])('warns of %s', (_, text, changes) => {
    expect(checkPolicy(documentOf([statement(changes)]))).toEqual({
      valid: true,
      faults: [],
      warnings: [expect.stringMatching(/^trustPolicies\[0\]/)],
    });
    expect(checkPolicy(documentOf([statement(changes)])).warnings[0]).toContain(text);
  });

  it('does not warn of a type that only has a number', () => {
    const { warnings } = checkPolicy(
      documentOf([statement({ trustedIdentities: [`${ACME},2.5.4.15=Private Organization`] })]),
    );
    expect(warnings).toEqual([]);
  });

  it('warns of an unknown member of the document', () => {
    const { warnings } = checkPolicy(documentOf([statement()], { comment: 'x' }));
    expect(warnings).toEqual(['document: the unknown member "comment" is ignored']);
  });

  it('warns of trust stores among which none can vouch for a signature', () => {
    const { warnings } = checkPolicy(documentOf([statement({ trustStores: ['tsa:a'] })]));
    expect(warnings).toEqual([expect.stringContaining('no signature can be trusted')]);
  });

  it('tells warnings beside faults', () => {
    const broken = statement({ name: '', trustedIdentities: ['x509.subject: CN=a'] });
    const { valid, faults, warnings } = checkPolicy(documentOf([broken]));
    expect([valid, faults.length, warnings.length]).toEqual([false, 1, 1]);
  });

  it('takes for a fault what this version does not perform', () => {
    const { valid, faults } = checkPolicy(documentOf([statement({ trustStores: ['tsa:a'] })]));
    expect([valid, faults.length]).toEqual([false, 1]);
  });

  it('tells one fault for what is no JSON', () => {
    const { valid, faults } = checkPolicy(new TextEncoder().encode('version: 1.0'));
    expect([valid, faults.length]).toEqual([false, 1]);
  });

  it('never throws, and is valid exactly without faults', () => {
    const value = fc.oneof(
      fc.uint8Array(),
      fc.jsonValue().map((json) => documentOf([json])),
    );
    fc.assert(
      fc.property(value, (bytes) => {
        const { valid, faults } = checkPolicy(bytes);
        expect(valid).toBe(faults.length === 0);
      }),
    );
  });
});
