// Trust policy documents: every rule of the specification kept once and broken once.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import {
  MAX_DOCUMENT_BYTES,
  MAX_STATEMENTS,
  parseTrustPolicy,
} from '../../../agent/notation/trustpolicy/document.ts';
import { MAX_FINDINGS } from '../../../agent/notation/trustpolicy/findings.ts';
import { expectCode } from '../../support/expect-code.ts';
import {
  documentOf,
  encode,
  skipStatement,
  statement,
  type StatementJson,
} from '../../support/trust-policy.ts';

const FIRST = 'trustPolicies[0]';

/** The faults of a document, which must be refused. */
function faultsOf(bytes: Uint8Array): readonly string[] {
  return expectCode(() => parseTrustPolicy(bytes), 'policy_invalid').faults;
}

describe('parseTrustPolicy', () => {
  it('reads every member of a statement', () => {
    const found = parseTrustPolicy(documentOf()).statements[0];
    expect(found).toMatchObject({
      name: 'acme',
      registryScopes: ['example.io/acme/app'],
      signatureVerification: { level: 'strict', verifyTimestamp: 'always' },
      trustStores: ['ca:acme'],
      trustedIdentities: [{ kind: 'x509.subject', text: 'x509.subject: C=US,ST=WA,O=Acme' }],
    });
  });

  it('hashes the bytes as they are', () => {
    const bytes = documentOf();
    const expected = createHash('sha256').update(bytes).digest('hex');
    expect(parseTrustPolicy(bytes).hash).toBe(expected);
    expect(parseTrustPolicy(Uint8Array.from([...bytes, 0x0a])).hash).not.toBe(expected);
  });

  it.each<[string, StatementJson]>([
    ['every type of trust store', { trustStores: ['ca:a', 'signingAuthority:a', 'tsa:a.b_c-d'] }],
    ['any identity', { trustedIdentities: ['*'] }],
    ['two identities', { trustedIdentities: ['x509.subject: CN=a', 'x509.subject: CN=b'] }],
    ['an identity for a plugin', { trustedIdentities: ['example.plugin: x'] }],
    ['the global scope', { registryScopes: ['*'] }],
    ['two scopes', { registryScopes: ['localhost:5000/a', 'EXAMPLE.io/a/b__c'] }],
  ])('accepts %s', (_, changes) => {
    expect(parseTrustPolicy(documentOf([statement(changes)])).statements).toHaveLength(1);
  });

  it('accepts level skip for named repositories, also with empty lists', () => {
    expect(parseTrustPolicy(documentOf([skipStatement()])).statements).toHaveLength(1);
    const empty = skipStatement({ trustStores: [], trustedIdentities: null });
    expect(parseTrustPolicy(documentOf([empty])).statements).toHaveLength(1);
  });

  it('names each trust store once', () => {
    const bytes = documentOf([statement({ trustStores: ['ca:a', 'ca:b', 'ca:a'] })]);
    expect(parseTrustPolicy(bytes).statements[0]?.trustStores).toEqual(['ca:a', 'ca:b']);
  });

  it.each<[string, string, StatementJson]>([
    ['a missing name', 'name', { name: undefined }],
    ['an empty name', 'name', { name: '' }],
    ['a name that is no string', 'name', { name: 1 }],
    ['a name beyond the limit', 'name', { name: 'n'.repeat(257) }],

    ['missing scopes', 'registryScopes', { registryScopes: undefined }],
    ['no scope', 'registryScopes', { registryScopes: [] }],
    ['scopes that are no array', 'registryScopes', { registryScopes: 'example.io/a' }],
    ['too many scopes', 'registryScopes', { registryScopes: Array(1001).fill('*') }],
    ['a scope that is no string', 'registryScopes[0]', { registryScopes: [1] }],
    ['"*" with another scope', 'registryScopes', { registryScopes: ['*', 'example.io/a'] }],
    ['a wildcard in a scope', 'registryScopes[0]', { registryScopes: ['example.io/*'] }],
    ['a scope with a scheme', 'registryScopes[0]', { registryScopes: ['https://example.io/a'] }],
    ['a scope with a tag', 'registryScopes[0]', { registryScopes: ['example.io/a:v1'] }],
    ['a scope without repository', 'registryScopes[0]', { registryScopes: ['example.io'] }],
    ['a scope with upper case', 'registryScopes[0]', { registryScopes: ['example.io/A'] }],
    ['an empty scope', 'registryScopes[0]', { registryScopes: [''] }],
    [
      'a scope twice in one statement',
      'registryScopes[1]',
      { registryScopes: ['example.io/a', 'example.io/a'] },
    ],

    ['no verification', 'signatureVerification', { signatureVerification: undefined }],
    ['a level outside its object', 'signatureVerification', { signatureVerification: 'strict' }],

    ['missing trust stores', 'trustStores', { trustStores: undefined }],
    ['no trust store', 'trustStores', { trustStores: [] }],
    ['trust stores that are no array', 'trustStores', { trustStores: { ca: 'acme' } }],
    ['too many trust stores', 'trustStores', { trustStores: Array(101).fill('ca:a') }],
    ['a trust store without type', 'trustStores[0]', { trustStores: ['acme'] }],
    ['an unknown type of trust store', 'trustStores[0]', { trustStores: ['root:acme'] }],
    ['a type in other case', 'trustStores[0]', { trustStores: ['CA:acme'] }],
    ['a trust store without name', 'trustStores[0]', { trustStores: ['ca:'] }],
    ['a trust store of a path', 'trustStores[0]', { trustStores: ['ca:a/b'] }],
    ['a trust store named "."', 'trustStores[0]', { trustStores: ['ca:.'] }],
    ['a trust store named ".."', 'trustStores[0]', { trustStores: ['ca:..'] }],
    ['a second colon', 'trustStores[0]', { trustStores: ['ca:a:b'] }],
    ['a name that no directory has', 'trustStores[0]', { trustStores: [`ca:${'a'.repeat(256)}`] }],

    ['missing identities', 'trustedIdentities', { trustedIdentities: undefined }],
    ['no identity', 'trustedIdentities', { trustedIdentities: [] }],
    ['too many identities', 'trustedIdentities', { trustedIdentities: Array(101).fill('*') }],
    ['"*" with another', 'trustedIdentities', { trustedIdentities: ['*', 'x509.subject: C=US'] }],
    ['"*" twice', 'trustedIdentities', { trustedIdentities: ['*', '*'] }],
    ['an empty identity', 'trustedIdentities[0]', { trustedIdentities: [''] }],
    ['an identity without ":"', 'trustedIdentities[0]', { trustedIdentities: ['CN=a'] }],
    ['an identity without prefix', 'trustedIdentities[0]', { trustedIdentities: [':CN=a'] }],
    ['no value', 'trustedIdentities[0]', { trustedIdentities: ['x509.subject:'] }],
    ['a malformed name', 'trustedIdentities[0]', { trustedIdentities: ['x509.subject: a'] }],
    [
      'identities of which one covers the other',
      'trustedIdentities[0]',
      { trustedIdentities: ['x509.subject: O=a', 'x509.subject: O=a,CN=b'] },
    ],
    [
      'identities of which the other covers one',
      'trustedIdentities[1]',
      { trustedIdentities: ['x509.subject: O=a,CN=b', 'x509.subject: O=a'] },
    ],
    [
      'the same identity twice',
      'trustedIdentities[0]',
      { trustedIdentities: ['x509.subject: O=a,CN=b', 'x509.subject: CN=b, O=a'] },
    ],

    ['a member in other case', '', { registryscopes: ['*'] }],
    ['a member that Go folds to a known one', '', { trustStoreſ: ['ca:a'] }],
  ])('refuses %s', (_, member, changes) => {
    const faults = faultsOf(documentOf([statement(changes)]));
    const place = member === '' ? FIRST : `${FIRST}.${member}`;
    expect(faults.filter((fault) => fault.startsWith(`${place}: expected `))).toHaveLength(1);
    expect(faults.every((fault) => fault.includes(', found '))).toBe(true);
  });

  it.each<[string, string, StatementJson]>([
    ['trust stores', 'trustStores', { trustStores: ['ca:acme'] }],
    ['trusted identities', 'trustedIdentities', { trustedIdentities: ['*'] }],
    ['the global scope', 'registryScopes', { registryScopes: ['*'] }],
  ])('refuses level skip with %s', (_, member, changes) => {
    const faults = faultsOf(documentOf([skipStatement(changes)]));
    expect(faults).toEqual([expect.stringContaining(`${FIRST}.${member}: expected `)]);
  });

  it.each<[string, string, Record<string, unknown>]>([
    ['no version', 'version', { version: undefined }],
    ['an empty version', 'version', { version: '' }],
    ['another version', 'version', { version: '1.1' }],
    ['a version that is a number', 'version', { version: 1 }],
    ['no statements', 'trustPolicies', { trustPolicies: undefined }],
    ['zero statements', 'trustPolicies', { trustPolicies: [] }],
    ['one statement without its list', 'trustPolicies', { trustPolicies: statement() }],
    ['too many', 'trustPolicies', { trustPolicies: Array(MAX_STATEMENTS + 1).fill(null) }],
    ['a statement that is no object', FIRST, { trustPolicies: [[]] }],
    ['a member in other case', 'document', { Version: '1.0' }],
  ])('refuses %s', (_, place, changes) => {
    const faults = faultsOf(documentOf([statement()], changes));
    expect(faults).toEqual([expect.stringContaining(`${place}: expected `)]);
  });

  it('refuses a name or a scope that two statements share', () => {
    const other = statement({ name: 'other', registryScopes: ['example.io/other'] });
    expect(parseTrustPolicy(documentOf([statement(), other])).statements).toHaveLength(2);
    expect(faultsOf(documentOf([statement(), { ...other, name: 'acme' }]))).toEqual([
      'trustPolicies[1].name: expected a name that is not also trustPolicies[0].name, found "acme" (line 1, column 218)',
    ]);
    const shared = { ...other, registryScopes: ['example.io/b', 'example.io/acme/app'] };
    expect(faultsOf(documentOf([statement(), shared]))).toEqual([
      'trustPolicies[1].registryScopes[1]: expected a scope that is not also trustPolicies[0].registryScopes[0], found "example.io/acme/app" (line 1, column 266)',
    ]);
  });

  it('keeps names and scopes apart that differ in case', () => {
    const other = statement({ name: 'Acme', registryScopes: ['Example.io/acme/app'] });
    expect(parseTrustPolicy(documentOf([statement(), other])).statements).toHaveLength(2);
  });

  it('refuses the global scope in two statements', () => {
    const anywhere = statement({ registryScopes: ['*'] });
    expect(faultsOf(documentOf([anywhere, { ...anywhere, name: 'other' }]))).toHaveLength(1);
  });

  it('reports all faults together, with their places', () => {
    const broken = statement({ name: '', registryScopes: ['x'], trustStores: ['acme'] });
    const error = expectCode(
      () => parseTrustPolicy(documentOf([statement(), broken], { version: '2' })),
      'policy_invalid',
    );
    expect(error.faults.map((fault) => fault.split(':')[0])).toEqual([
      'version',
      'trustPolicies[1].name',
      'trustPolicies[1].registryScopes[0]',
      'trustPolicies[1].trustStores[0]',
    ]);
    expect(error.message).toBe(
      'trust policy document: version: expected "1.0", found "2" (line 1, column 2) (and 3 more)',
    );
  });

  it('bounds the number of faults that it reports', () => {
    const faults = faultsOf(documentOf(Array(MAX_STATEMENTS).fill(null)));
    expect(faults).toHaveLength(MAX_FINDINGS + 1);
  });

  it.each([
    ['a byte order mark', '\ufeff{}'],
    ['a member twice', '{"version":"1.0","version":"1.0","trustPolicies":[]}'],
    ['bytes after the document', '{} {}'],
    ['no JSON', 'version: 1.0'],
    ['nothing', ''],
    ['too many levels', '['.repeat(100)],
    ['an array', '[]'],
  ])('refuses %s', (_, text) => {
    expectCode(() => parseTrustPolicy(new TextEncoder().encode(text)), 'policy_invalid');
  });

  it('refuses a document beyond the limit, and takes one at the limit', () => {
    const text = JSON.stringify({ version: '1.0', trustPolicies: [statement()] });
    const atLimit = new TextEncoder().encode(text.padEnd(MAX_DOCUMENT_BYTES));
    expect(parseTrustPolicy(atLimit).statements).toHaveLength(1);
    expectCode(() => parseTrustPolicy(Uint8Array.from([...atLimit, 0x20])), 'policy_invalid');
  });

  it('returns a document or throws an AgentError, whatever it is given', () => {
    const member = fc.constantFrom(...Object.keys(statement()), 'level', 'extra');
    const mutated = fc
      .tuple(member, fc.jsonValue(), fc.constantFrom(statement(), skipStatement()))
      .map(([name, value, good]) => documentOf([{ ...good, [name]: value }]));
    const anything = fc.jsonValue().map(encode);
    fc.assert(
      fc.property(fc.oneof(mutated, anything, fc.uint8Array()), (bytes) => {
        try {
          expect(parseTrustPolicy(bytes).statements.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
          expect((error as AgentError).code).toBe('policy_invalid');
        }
      }),
    );
  });
});
