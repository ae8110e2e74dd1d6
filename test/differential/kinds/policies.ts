// Kinds about the trust policy document: its rules, scopes and levels.
import {
  documentOf,
  encode,
  skipStatement,
  type StatementJson,
} from '../../support/trust-policy.ts';
import { minutesFrom, STRANGER } from '../generate/certificates.ts';
import {
  FORMATS,
  LEVELS,
  policyFor,
  signature,
  statementFor,
  TRUSTS_CA,
  world,
} from '../generate/setup.ts';
import { each, type Given, kind, type Step, values } from '../kind.ts';

type Statement = (given: Given) => StatementJson;

/** Each breaks one rule of a statement. */
const BROKEN_STATEMENTS: Readonly<Record<string, StatementJson>> = {
  'no name': { name: undefined },
  'an empty name': { name: '' },
  'a number for a name': { name: 7 },
  'no scopes': { registryScopes: undefined },
  'an empty list of scopes': { registryScopes: [] },
  'a scope with a scheme': { registryScopes: ['https://example.io/app'] },
  'a scope with a tag': { registryScopes: ['example.io/app:v1'] },
  'a scope with a digest': { registryScopes: [`example.io/app@sha256:${'0'.repeat(64)}`] },
  'a scope without a repository': { registryScopes: ['example.io'] },
  'an empty scope': { registryScopes: [''] },
  'a scope with upper case': { registryScopes: ['example.io/App'] },
  'a wildcard within a scope': { registryScopes: ['example.io/*'] },
  'a wildcard beside a scope': { registryScopes: ['*', 'example.io/app'] },
  'a scope twice': { registryScopes: ['example.io/app', 'example.io/app'] },
  'no verification': { signatureVerification: undefined },
  'no level': { signatureVerification: {} },
  'an unknown level': { signatureVerification: { level: 'lenient' } },
  'a level in another case': { signatureVerification: { level: 'Strict' } },
  'a number for a level': { signatureVerification: { level: 1 } },
  'an override of an unknown type': {
    signatureVerification: { level: 'strict', override: { all: 'log' } },
  },
  'an override to an unknown action': {
    signatureVerification: { level: 'strict', override: { expiry: 'warn' } },
  },
  'an override of integrity': {
    signatureVerification: { level: 'strict', override: { integrity: 'enforce' } },
  },
  'an override that skips expiry': {
    signatureVerification: { level: 'strict', override: { expiry: 'skip' } },
  },
  'an override that skips authenticity': {
    signatureVerification: { level: 'strict', override: { authenticity: 'skip' } },
  },
  'an override of skip': {
    signatureVerification: { level: 'skip', override: { expiry: 'log' } },
    trustStores: [],
    trustedIdentities: [],
  },
  'an unknown verifyTimestamp': {
    signatureVerification: { level: 'strict', verifyTimestamp: 'never' },
  },
  'skip with stores': { signatureVerification: { level: 'skip' } },
  'no stores': { trustStores: undefined },
  'an empty list of stores': { trustStores: [] },
  'no identities': { trustedIdentities: undefined },
  'an empty list of identities': { trustedIdentities: [] },
  'a store without a type': { trustStores: ['acme'] },
  'a store of an unknown type': { trustStores: ['root:acme'] },
  'a store type in another case': { trustStores: ['CA:acme'] },
  'a store without a name': { trustStores: ['ca:'] },
  'a store name with a slash': { trustStores: ['ca:a/b'] },
  'a store name with a blank': { trustStores: ['ca: acme'] },
  'text for stores': { trustStores: 'ca:acme' },
};

const BROKEN_DOCUMENTS: Readonly<Record<string, (good: Buffer) => Uint8Array>> = {
  'no version': (good) => changed(good, { version: undefined }),
  'an empty version': (good) => changed(good, { version: '' }),
  'another version': (good) => changed(good, { version: '1.1' }),
  'a number for a version': (good) => changed(good, { version: 1 }),
  'no statements': (good) => changed(good, { trustPolicies: [] }),
  'null for statements': (good) => changed(good, { trustPolicies: null }),
  'an object for statements': (good) => changed(good, { trustPolicies: {} }),
  'no JSON': () => Buffer.from('version: "1.0"'),
  nothing: () => Buffer.alloc(0),
  'an array': (good) => Buffer.concat([Buffer.from('['), good, Buffer.from(']')]),
  'cut short': (good) => good.subarray(0, -1),
  'a byte order mark': (good) => Buffer.concat([Buffer.from('\ufeff'), good]),
  'a comment': (good) => Buffer.concat([Buffer.from('// policy\n'), good]),
};

/** A fault of the signature for each validation, to see what levels make of it. */
const FAULTS = {
  none: 'nothing',
  authenticity: 'authenticity',
  expiry: 'expiry',
  integrity: 'integrity',
} as const satisfies Readonly<Record<string, Step>>;

export const POLICY_KINDS = [
  kind({
    name: 'statement that breaks a rule',
    parameters: {
      statement: BROKEN_STATEMENTS,
      place: each('that applies', 'beside one that applies'),
    },
    build: ({ statement, place }, given) => {
      const broken = statementFor(given, {
        statement: {
          ...(place === 'that applies'
            ? {}
            : { name: 'other', registryScopes: ['example.io/other'] }),
          ...statement,
        },
      });
      const statements = place === 'that applies' ? [broken] : [statementFor(given), broken];
      return world(given, { fault: 'policy', policy: documentOf(statements) });
    },
  }),
  kind({
    name: 'document that breaks a rule',
    parameters: { edit: BROKEN_DOCUMENTS },
    build: ({ edit }, given) =>
      world(given, { fault: 'policy', policy: edit(Buffer.from(policyFor(given))) }),
  }),
  kind({
    name: 'statements that collide',
    parameters: { how: each('same name', 'same scope', 'two wildcards') },
    build: ({ how }, given) => {
      const scope = {
        'same name': 'example.io/other',
        'same scope': given.scope,
        'two wildcards': '*',
      }[how];
      const first = statementFor(given, {
        statement: how === 'two wildcards' ? { registryScopes: ['*'] } : {},
      });
      const second = statementFor(given, {
        statement: { name: how === 'same name' ? 'acme' : 'other', registryScopes: [scope] },
      });
      return world(given, { fault: 'policy', policy: documentOf([first, second]) });
    },
  }),
  kind({
    name: 'document that says more than is known',
    parameters: {
      format: FORMATS,
      place: each('document', 'statement', 'verification'),
      name: each('comment', '$schema'),
    },
    build: ({ format, place, name }, given) => {
      const level = { level: 'strict', ...(place === 'verification' ? { [name]: 1 } : {}) };
      const statement = statementFor(given, {
        statement: {
          signatureVerification: level,
          ...(place === 'statement' ? { [name]: {} } : {}),
        },
      });
      const policy = documentOf([statement], place === 'document' ? { [name]: [] } : {});
      return world(given, { signature: { format }, policy });
    },
  }),
  kind({
    name: 'null or nothing where a member may be left out',
    parameters: {
      format: FORMATS,
      member: {
        override: { override: null },
        'no override': { override: {} },
        verifyTimestamp: { verifyTimestamp: '' },
      },
      level: LEVELS,
    },
    build: ({ format, member, level }, given) =>
      world(given, {
        signature: { format },
        statement: { signatureVerification: { level, ...member } },
      }),
  }),
  kind({
    name: 'duplicate member in the document',
    parameters: { format: FORMATS, name: each('version', 'trustPolicies') },
    build: ({ format, name }, given) => {
      const good = Buffer.from(policyFor(given)).toString();
      const policy = Buffer.from(
        good.replace('{', `{"${name}":${name === 'version' ? '"0.9"' : '[]'},`),
      );
      return world(given, { fault: 'policy', signature: { format }, policy });
    },
  }),
  kind({
    name: 'bytes after the document',
    parameters: { format: FORMATS, tail: each('x', '{}', ']') },
    build: ({ format, tail }, given) => {
      const policy = Buffer.concat([policyFor(given), Buffer.from(`\n${tail}`)]);
      return world(given, { fault: 'policy', signature: { format }, policy });
    },
  }),
  kind({
    name: 'member of the document in another case',
    parameters: {
      format: FORMATS,
      name: each('version', 'trustPolicies', 'registryScopes', 'level'),
    },
    build: ({ format, name }, given) => {
      const good = Buffer.from(policyFor(given)).toString();
      const policy = Buffer.from(good.replace(`"${name}"`, `"${name.toUpperCase()}"`));
      return world(given, { fault: 'policy', signature: { format }, policy });
    },
  }),
  kind({
    name: 'document that is no file',
    parameters: {
      policy: {
        missing: null,
        directory: 'directory',
        'dangling link': { link: 'nowhere' },
      } as const,
    },
    build: ({ policy }, given) => world(given, { fault: 'policy', policy }),
  }),
  kind({
    name: 'document that is a symbolic link',
    parameters: { format: FORMATS },
    build: ({ format }, given) =>
      world(given, {
        signature: { format },
        policy: { link: 'truststore/x509/policy.json' },
        stores: { ...TRUSTS_CA, 'policy.json': policyFor(given) },
      }),
  }),
  kind({
    name: 'store of a name that leads elsewhere',
    parameters: { format: FORMATS, name: each('.', '..') },
    build: ({ format, name }, given) =>
      world(given, {
        fault: 'policy',
        signature: { format },
        statement: { trustStores: [`ca:${name}`] },
        stores: {
          [name === '.' ? 'ca/root.crt' : 'root.crt']: TRUSTS_CA['ca/acme/root.crt'] ?? 'directory',
        },
        // Without directories beside the file, which notation refuses.
      }),
  }),
  kind({
    name: 'statement that applies to the scope',
    parameters: {
      format: FORMATS,
      statements: values<(given: Given) => readonly StatementJson[]>({
        'by its scope': (given) => [scoped(given, given.scope)],
        'by one of many': (given) => [
          { ...scoped(given, ''), registryScopes: ['example.io/a', given.scope, 'example.io/b'] },
        ],
        'by a wildcard': (given) => [scoped(given, '*')],
        'its own, beside a wildcard that would refuse': (given) => [
          refusing('*'),
          scoped(given, given.scope),
        ],
        'its own, before another': (given) => [
          scoped(given, given.scope),
          refusing('example.io/other'),
        ],
      }),
    },
    build: ({ format, statements }, given) =>
      world(given, { signature: { format }, policy: documentOf(statements(given)) }),
  }),
  kind({
    name: 'scope that is none of the image’s',
    parameters: {
      scope: values<(given: Given) => string>({
        'another repository': (given) => `${given.scope}2`,
        'its parent': (given) => given.scope.slice(0, given.scope.lastIndexOf('/')),
        'below it': (given) => `${given.scope}/sub`,
        'another port': (given) => given.scope.replace(/:\d+/, ':1'),
        'another name of the host': (given) => given.scope.replace('127.0.0.1', 'localhost'),
        'without the port': (given) => given.scope.replace(/:\d+/, ''),
      }),
    },
    build: ({ scope }, given) =>
      world(given, { fault: 'policy', statement: { registryScopes: [scope(given)] } }),
  }),
  kind({
    name: 'level skip for one scope',
    parameters: {
      signed: each('well', 'by a stranger', 'not at all'),
      beside: each('alone', 'a wildcard that would refuse'),
    },
    build: ({ signed, beside }, given) => {
      const signatures = {
        well: [signature()],
        'by a stranger': [signature({ signer: STRANGER.issue() })],
        'not at all': [],
      }[signed];
      const skip = skipStatement({ registryScopes: [given.scope] });
      const policy = documentOf(beside === 'alone' ? [skip] : [refusing('*'), skip]);
      return world(given, { signatures, policy });
    },
  }),
  kind({
    name: 'level skip for the wildcard',
    parameters: { signed: { yes: [signature()], no: [] } },
    build: ({ signed }, given) => {
      const policy = documentOf([skipStatement({ registryScopes: ['*'] })]);
      return world(given, { fault: 'policy', signatures: signed, policy });
    },
  }),
  kind({
    name: 'levels and what they make of a fault',
    parameters: { format: FORMATS, level: LEVELS, fault: FAULTS },
    build: ({ format, level, fault }, given) => {
      const statement = { signatureVerification: { level } };
      return world(given, { ...faulty(given, format, fault), statement });
    },
  }),
  kind({
    name: 'override of a level',
    parameters: {
      level: LEVELS,
      type: each('authenticity', 'expiry', 'authenticTimestamp', 'revocation'),
      action: each('enforce', 'log'),
      fault: FAULTS,
    },
    build: ({ level, type, action, fault }, given) => {
      const statement = { signatureVerification: { level, override: { [type]: action } } };
      return world(given, { ...faulty(given, 'jws', fault), statement });
    },
  }),
  kind({
    name: 'override that skips revocation',
    parameters: { format: FORMATS, level: LEVELS, fault: FAULTS },
    build: ({ format, level, fault }, given) => {
      const statement = { signatureVerification: { level, override: { revocation: 'skip' } } };
      return world(given, { ...faulty(given, format, fault), statement });
    },
  }),
];

function changed(good: Uint8Array, changes: StatementJson): Uint8Array {
  return encode({ ...(JSON.parse(Buffer.from(good).toString()) as object), ...changes });
}

function scoped(given: Given, scope: string): ReturnType<Statement> {
  return statementFor(given, { statement: { registryScopes: [scope] } });
}

/** A statement whose stores do not exist. */
function refusing(scope: string): StatementJson {
  const members = { name: 'other', registryScopes: [scope], trustStores: ['ca:missing'] };
  return { ...members, signatureVerification: { level: 'strict' }, trustedIdentities: ['*'] };
}

/** A world whose signature fails one validation, or none. */
function faulty(given: Given, format: 'jws' | 'cose', fault: (typeof FAULTS)[keyof typeof FAULTS]) {
  const past = { signingTime: minutesFrom(given.now, -60), expiry: minutesFrom(given.now, -30) };
  const options = {
    nothing: {},
    authenticity: { signer: STRANGER.issue() },
    expiry: past,
    integrity: { crit: [] },
  }[fault];
  return { fault, stores: TRUSTS_CA, signatures: [signature({ format, ...options })] };
}
