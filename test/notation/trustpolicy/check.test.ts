// What a document tells about itself: faults and warnings, each with its place.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkPolicy } from '../../../agent/notation/trustpolicy/check.ts';
import { parseTrustPolicy } from '../../../agent/notation/trustpolicy/document.ts';
import type { Finding } from '../../../agent/notation/trustpolicy/findings.ts';
import { expectCode } from '../../support/expect-code.ts';
import {
  documentOf,
  skipStatement,
  statement,
  type StatementJson,
} from '../../support/trust-policy.ts';

const ACME = 'x509.subject: C=US,ST=WA,O=Acme';

/** One sentence for each finding, without line and column. */
function check(bytes: Uint8Array) {
  const { document, findings } = checkPolicy(bytes);
  const sentences = (list: readonly Finding[]) =>
    list.map(({ path, message }) => `${path}: ${message}`);
  return {
    valid: document !== undefined,
    faults: sentences(findings.faults),
    warnings: sentences(findings.warnings),
  };
}

const warningsOf = (...statements: readonly StatementJson[]) => {
  const { valid, warnings } = check(documentOf(statements));
  expect(valid).toBe(true);
  return warnings;
};

describe('checkPolicy', () => {
  it('has nothing to say about a good document', () => {
    expect(check(documentOf())).toEqual({ valid: true, faults: [], warnings: [] });
    expect(checkPolicy(documentOf()).document?.statements).toHaveLength(1);
  });

  it.each<[string, string, string, StatementJson]>([
    [
      'a name without C, ST and O',
      'trustedIdentities[0]',
      'notation rejects the whole document, because the name has no C, ST, O',
      { trustedIdentities: ['x509.subject: CN=a'] },
    ],
    [
      'a name without ST',
      'trustedIdentities[0]',
      'no ST',
      { trustedIdentities: ['x509.subject: C=US,O=Acme'] },
    ],
    [
      'a name of an empty O',
      'trustedIdentities[0]',
      'no O',
      { trustedIdentities: ['x509.subject: C=US,ST=WA,O=,CN=a'] },
    ],
    [
      'a type in other case',
      'trustedIdentities[0]',
      '"cn"',
      { trustedIdentities: [`${ACME},cn=a`] },
    ],
    [
      'a type by its number',
      'trustedIdentities[0]',
      '"2.5.4.3"',
      { trustedIdentities: [`${ACME},2.5.4.3=a`] },
    ],
    [
      'an identity for a plugin',
      'trustedIdentities[1]',
      'only a verification plugin can match it',
      { trustedIdentities: [ACME, 'example.plugin: a'] },
    ],
    [
      'an identity whose prefix is in other case',
      'trustedIdentities[0]',
      'no subject of a certificate',
      { trustedIdentities: ['X509.subject: C=US,ST=WA,O=Acme'] },
    ],
    [
      'an identity that is not pinned at level strict',
      'trustedIdentities[0]',
      'at level strict',
      { trustedIdentities: ['*'] },
    ],
    [
      'an unknown member',
      '',
      'the unknown member "registryScope" is ignored',
      { registryScope: ['example.io/b'] },
    ],
    [
      'an unknown member further in',
      'signatureVerification',
      '"overide"',
      { signatureVerification: { level: 'strict', overide: {} } },
    ],
    [
      'a time for timestamps without a tsa store',
      'signatureVerification.verifyTimestamp',
      'no effect',
      { signatureVerification: { level: 'strict', verifyTimestamp: 'always' } },
    ],
    ['only a tsa store', 'trustStores', 'no signature can be trusted', { trustStores: ['tsa:a'] }],
    [
      'a tsa store without a ca store',
      'trustStores',
      'the tsa store has no effect',
      { trustStores: ['signingAuthority:a', 'tsa:a'] },
    ],
    [
      'a short name of Docker Hub',
      'registryScopes[0]',
      'docker.io/library/a,',
      { registryScopes: ['docker.io/a'] },
    ],
    [
      'the older name of Docker Hub',
      'registryScopes[0]',
      ' docker.io/a/b,',
      { registryScopes: ['index.docker.io/a/b'] },
    ],
    [
      'a scope without a registry',
      'registryScopes[0]',
      ' docker.io/acme/app,',
      { registryScopes: ['acme/app'] },
    ],
    [
      'a registry in upper case',
      'registryScopes[0]',
      'it does not match example.io,',
      { registryScopes: ['EXAMPLE.io/app'] },
    ],
    [
      'a registry with the port of https',
      'registryScopes[0]',
      'it does not match example.io,',
      { registryScopes: ['example.io:443/app'] },
    ],
    [
      'a registry with the port of http',
      'registryScopes[0]',
      'it does not match example.io,',
      { registryScopes: ['example.io:80/app'] },
    ],
  ])('warns of %s', (_, member, text, changes) => {
    const warnings = warningsOf(statement(changes));
    expect(warnings).toEqual([expect.stringContaining(text)]);
    const path = ['trustPolicies[0]', member].filter((part) => part !== '').join('.');
    expect(warnings[0]?.startsWith(`${path}: `)).toBe(true);
  });

  it.each<[string, StatementJson]>([
    ['a type that only has a number', { trustedIdentities: [`${ACME},2.5.4.15=Organization`] }],
    [
      'an identity that is not pinned below level strict',
      { trustedIdentities: ['*'], signatureVerification: { level: 'permissive' } },
    ],
    [
      'a time for timestamps beside a tsa store',
      {
        trustStores: ['ca:a', 'tsa:a'],
        signatureVerification: { level: 'strict', verifyTimestamp: 'afterCertExpiry' },
      },
    ],
    ['all types of trust stores', { trustStores: ['ca:a', 'signingAuthority:a', 'tsa:a'] }],
    [
      'scopes as containerd names images',
      {
        registryScopes: [
          'docker.io/library/a',
          'docker.io/a/b',
          'localhost/a',
          'localhost:5000/a',
          'example.io:8443/a',
          'registry-1.docker.io/a',
        ],
      },
    ],
  ])('does not warn of %s', (_, changes) => {
    expect(warningsOf(statement(changes))).toEqual([]);
  });

  it('warns of an unknown member of the document', () => {
    const { warnings } = check(documentOf([statement()], { comment: 'x' }));
    expect(warnings).toEqual(['document: the unknown member "comment" is ignored']);
  });

  describe('of the scope "*"', () => {
    const named = statement();
    const rest = (changes: StatementJson) =>
      statement({ name: 'rest', registryScopes: ['*'], ...changes });

    it('warns when it asks for less than a statement that names its scopes', () => {
      const audit = rest({ signatureVerification: { level: 'audit' } });
      const [warning, ...others] = warningsOf(named, audit);
      expect(others).toEqual([]);
      expect(warning).toMatch(
        /^trustPolicies\[1\]: the scope "\*" asks for less than trustPolicies\[0\] \(authenticity: log, not enforce\), and /,
      );
    });

    it('warns once, however many statements ask for more', () => {
      const override = { level: 'strict', override: { revocation: 'skip' } };
      const other = { ...named, name: 'other', registryScopes: ['example.io/other'] };
      expect(warningsOf(rest({ signatureVerification: override }), named, other)).toEqual([
        expect.stringContaining('(revocation: skip, not enforce) and 1 more,'),
      ]);
    });

    it('warns when it alone trusts any identity', () => {
      const levels = { signatureVerification: { level: 'permissive' } };
      const anybody = rest({ ...levels, trustedIdentities: ['*'] });
      expect(warningsOf({ ...named, ...levels }, anybody)).toEqual([
        expect.stringContaining('(any trusted identity)'),
      ]);
    });

    it.each<[string, StatementJson, StatementJson]>([
      ['asks for the same', named, {}],
      ['asks for more', statement({ signatureVerification: { level: 'permissive' } }), {}],
      ['is beside a statement that skips', skipStatement(), {}],
    ])('does not warn when it %s', (_, beside, changes) => {
      expect(warningsOf(beside, rest(changes))).toEqual([]);
    });
  });

  it('tells warnings beside faults', () => {
    const broken = statement({ name: '', trustedIdentities: ['x509.subject: CN=a'] });
    const { valid, faults, warnings } = check(documentOf([broken]));
    expect([valid, faults.length, warnings.length]).toEqual([false, 1, 1]);
  });

  it('tells one fault for what is no JSON', () => {
    const { valid, faults } = check(new TextEncoder().encode('version: 1.0'));
    expect([valid, faults.length]).toEqual([false, 1]);
  });

  it('is invalid exactly with faults, and never throws', () => {
    const value = fc.oneof(
      fc.uint8Array(),
      fc.jsonValue().map((json) => documentOf([json])),
    );
    fc.assert(
      fc.property(value, (bytes) => {
        const { valid, faults } = check(bytes);
        expect(valid).toBe(faults.length === 0);
      }),
    );
  });
});

describe('the place of a finding', () => {
  const TEXT = `{
  "version": "2.0",
  "trustPolicies": [
    {
      "name": "a",
      "comment": "",
      "registryScopes": [
        "example.io/a",
        "example.io/*"
      ],
      "signatureVerification": { "level": "strict", "override": { "integrity": "log", "x": "log" } },
      "trustStores": ["ca:acme"]
    }
  ]
}`;

  it('is its line and column, or those of what it is missing in', () => {
    const { faults, warnings } = checkPolicy(new TextEncoder().encode(TEXT)).findings;
    expect(faults.map(({ path, line, column }) => `${path} ${line}:${column}`)).toEqual([
      'version 2:3',
      'trustPolicies[0].registryScopes[1] 9:9',
      'trustPolicies[0].signatureVerification.override.integrity 11:67',
      'trustPolicies[0].signatureVerification.override 11:87',
      'trustPolicies[0].trustedIdentities 4:5',
    ]);
    expect(warnings.map(({ path, line, column }) => `${path} ${line}:${column}`)).toEqual([
      'trustPolicies[0] 6:7',
    ]);
  });

  it.each([
    ['what does not fit', '{\n  "version": "1.0"\n  "trustPolicies": []\n}', 3, 3],
    ['a member that is there twice', '{"version": "1.0",\n "version": "1.0"}', 2, 11],
    ['the end of a document that is cut', '{\n"version":', 2, 11],
  ])('is that of %s', (_, text, line, column) => {
    const { faults } = checkPolicy(new TextEncoder().encode(text)).findings;
    expect(faults).toEqual([expect.objectContaining({ path: 'document', line, column })]);
  });

  it.each([
    ['is no object', '[]'],
    ['is no UTF-8', Uint8Array.of(0xff)],
    ['has no version', documentOf([statement()], { version: undefined })],
  ])('is none in a document that %s', (_, document) => {
    const { faults } = checkPolicy(Buffer.from(document)).findings;
    expect(faults).toHaveLength(1);
    expect(faults[0]).not.toHaveProperty('line');
  });

  it('is told in the error too', () => {
    const { faults, message } = expectCode(
      () => parseTrustPolicy(new TextEncoder().encode(TEXT)),
      'policy_invalid',
    );
    expect(faults[1]).toMatch(/^trustPolicies\[0\]\.registryScopes\[1\]: .* \(line 9, column 9\)$/);
    expect(message).toMatch(/\(line 2, column 3\) \(and 4 more\)$/);
  });
});
