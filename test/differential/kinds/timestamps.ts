// Kinds about timestamp countersignatures and the authorities that make them.
import { octetString, objectIdentifier, set, sequence } from '../../support/der.ts';
import { testKey } from '../../support/keys.ts';
import { mintOcspResponse } from '../../support/ocsp.ts';
import type { CertificateOptions, TestCertificate } from '../../support/certificate.ts';
import { type EnvelopeOptions, type SignedParts } from '../../support/sign-envelope.ts';
import {
  ATTRIBUTES,
  createTsa,
  signingCertificateV2,
  stampWith,
  type TestTsa,
  type TokenOptions,
  type TsaOptions,
} from '../../support/tsa.ts';
import { CA, KEYS, leafWith, minutesFrom, STRANGER } from '../generate/certificates.ts';
import { FORMATS, LEVELS, rootOf, trusted, world } from '../generate/setup.ts';
import { each, type Entry, type Given, kind, type Step, values } from '../kind.ts';

const DAY_MINUTES = 24 * 60;
const WHEN = { always: 'always', afterCertExpiry: 'afterCertExpiry', absent: undefined } as const;
const TSA = createTsa();
const STRANGE_TSA = createTsa({ name: 'Strange TSA' });
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const SHA256_OF_NOTHING = Buffer.alloc(32, 1);

/** Tokens that prove nothing, one thing wrong with each. */
const BAD_TOKENS = values<TokenOptions>({
  'over something else': { info: { imprint: SHA256_OF_NOTHING } },
  'by SHA-1': { info: { hash: 'sha1' } },
  'TSTInfo of version 2': { info: { version: 2 } },
  'SignedData of version 1': { signedDataVersion: 1 },
  'signer of version 3': { version: 3 },
  'another type of content': { contentType: '1.2.840.113549.1.7.1' },
  'not signed data': { contentInfoType: '1.2.840.113549.1.7.1' },
  'no certificates': { certificates: null },
  'no signer': { signers: [] },
  'no signed attributes': { editAttributes: null },
  'no content type attribute': { attributes: { [ATTRIBUTES.contentType]: null } },
  'no message digest': { attributes: { [ATTRIBUTES.messageDigest]: null } },
  'another message digest': {
    attributes: { [ATTRIBUTES.messageDigest]: set(octetString(SHA256_OF_NOTHING)) },
  },
  'another content type attribute': {
    attributes: { [ATTRIBUTES.contentType]: set(objectIdentifier('1.2.840.113549.1.7.1')) },
  },
  'no signing certificate': { attributes: { [ATTRIBUTES.signingCertificateV2]: null } },
  'signing certificate of version 1 alone': {
    attributes: {
      [ATTRIBUTES.signingCertificateV2]: null,
      [ATTRIBUTES.signingCertificate]: set(signingCertificateV2(TSA.signer.der)),
    },
  },
  'another signing certificate': { signingCertificate: { certificate: STRANGE_TSA.signer.der } },
  'a tampered signature': {
    tamper: (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)]),
  },
  'content that is none': { content: Buffer.from('now') },
});

/** Tokens that are good though unusual. */
const GOOD_TOKENS = values<TokenOptions>({
  plain: {},
  'hash SHA-384': { info: { hash: 'sha384' } },
  'hash SHA-512': { info: { hash: 'sha512' } },
  'signed by SHA-384': { digest: 'sha384' },
  'signed by SHA-512': { digest: 'sha512' },
  'no accuracy': { info: { accuracy: null } },
  'accuracy of milliseconds': { info: { accuracy: { millis: 500 } } },
  'with ordering': { info: { ordering: true } },
  'no issuer and serial number': { signingCertificate: { issuerSerial: null } },
  'signing certificate by SHA-512': { signingCertificate: { hash: 'sha512' } },
  'its root too': { certificates: TSA.signer.chain },
});

/** Authorities that may not stamp. */
const BAD_AUTHORITIES = values<(now: Date) => TsaOptions>({
  'no extended key usage': () => signedBy({ extendedKeyUsage: null }),
  'extended key usage not critical': () =>
    signedBy({ extendedKeyUsage: { oids: [TIME_STAMPING] } }),
  'another purpose too': () =>
    signedBy({ extendedKeyUsage: { oids: [TIME_STAMPING, '1.3.6.1.5.5.7.3.3'], critical: true } }),
  'for code signing': () =>
    signedBy({ extendedKeyUsage: { oids: ['1.3.6.1.5.5.7.3.3'], critical: true } }),
  'key usage without digitalSignature': () =>
    signedBy({ keyUsage: { usages: ['contentCommitment'] } }),
  'key usage with keyEncipherment': () =>
    signedBy({ keyUsage: { usages: ['digitalSignature', 'keyEncipherment'] } }),
  'no key usage': () => signedBy({ keyUsage: null }),
  'a CA': () => signedBy({ basicConstraints: { ca: true } }),
  'a small key': () => signedBy({ key: testKey('rsa-1024', 'stamps') }),
  'signed by SHA-1': () => ({ key: 'rsa-2048', ...signedBy({ signature: 'rsa-sha1' }) }),
  'not valid yet when it stamped': (now) => signedBy({ notBefore: minutesFrom(now, 60) }),
  'expired when it stamped': (now) =>
    signedBy({
      notBefore: minutesFrom(now, -9 * DAY_MINUTES),
      notAfter: minutesFrom(now, -2 * DAY_MINUTES),
    }),
  'below a CA of no such path': () => ({
    intermediates: 1,
    root: { basicConstraints: { ca: true, pathLength: 0 } },
  }),
});

export const TIMESTAMP_KINDS = [
  kind({
    name: 'timestamp of every algorithm',
    parameters: { format: FORMATS, key: KEYS, intermediates: { none: 0, one: 1, two: 2 } },
    build: ({ format, key, intermediates }, given) => {
      const name = `TSA ${key} ${intermediates}`;
      return stamped(given, format, { tsa: createTsa({ name, signerKey: key, intermediates }) });
    },
  }),
  kind({
    name: 'timestamp in an unusual form',
    parameters: { format: FORMATS, token: GOOD_TOKENS },
    build: ({ format, token }, given) => stamped(given, format, { token }),
  }),
  kind({
    name: 'timestamp that proves nothing',
    parameters: { format: FORMATS, level: LEVELS, token: BAD_TOKENS },
    build: ({ format, level, token }, given) =>
      stamped(given, format, { level, token, fault: 'authenticTimestamp' }),
  }),
  kind({
    name: 'timestamp that is none',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      token: values<(token: Buffer) => Uint8Array>({
        empty: () => Buffer.alloc(0),
        text: () => Buffer.from('now'),
        'cut short': (token) => token.subarray(0, -1),
        'one byte more': (token) => Buffer.concat([token, Buffer.alloc(1)]),
        'an empty sequence': () => sequence(),
        'a certificate': () => CA.root.der,
      }),
    },
    build: ({ format, level, token }, given) =>
      stamped(given, format, { level, edit: token, fault: 'authenticTimestamp' }),
  }),
  kind({
    name: 'no timestamp, where the chain is valid',
    parameters: { format: FORMATS, level: LEVELS, when: WHEN },
    build: ({ format, level, when }, given) =>
      stamped(given, format, {
        level,
        when,
        edit: null,
        fault: when === 'afterCertExpiry' ? 'nothing' : 'authenticTimestamp',
      }),
  }),
  kind({
    name: 'no timestamp, where the chain has expired',
    parameters: { format: FORMATS, level: LEVELS, when: WHEN },
    build: ({ format, level, when }, given) =>
      stamped(given, format, {
        level,
        when,
        edit: null,
        signer: expiredLeaf(given.now),
        fault: 'authenticTimestamp',
      }),
  }),
  kind({
    name: 'timestamp from when the chain was valid',
    parameters: { format: FORMATS, level: LEVELS, when: WHEN, days: { early: -9, late: -3 } },
    build: ({ format, level, when, days }, given) =>
      stamped(given, format, {
        level,
        when,
        signer: expiredLeaf(given.now),
        at: minutesFrom(given.now, days * DAY_MINUTES),
      }),
  }),
  kind({
    name: 'timestamp from when the chain was not valid',
    parameters: { format: FORMATS, level: LEVELS, when: WHEN, days: { before: -11, after: -1 } },
    build: ({ format, level, when, days }, given) =>
      stamped(given, format, {
        level,
        when,
        signer: expiredLeaf(given.now),
        at: minutesFrom(given.now, days * DAY_MINUTES),
        fault: 'authenticTimestamp',
      }),
  }),
  kind({
    name: 'timestamp so near the end that its accuracy counts',
    parameters: {
      format: FORMATS,
      // The leaf expired two days ago; the stamp is from so many seconds before.
      stamp: values<readonly [secondsBefore: number, accuracySeconds: number]>({
        inside: [10, 5],
        'just inside': [5, 5],
        'reaching out': [5, 6],
        'at the last second': [0, 0],
        'far reaching': [60, 3600],
      }),
    },
    build: ({ format, stamp: [before, seconds] }, given) => {
      const end = minutesFrom(given.now, -2 * DAY_MINUTES);
      return stamped(given, format, {
        signer: expiredLeaf(given.now),
        at: new Date(end.getTime() - before * 1000),
        token: { info: { accuracy: { seconds } } },
        fault: before >= seconds ? 'nothing' : 'authenticTimestamp',
      });
    },
  }),
  kind({
    name: 'timestamp by an authority that may not',
    parameters: { format: FORMATS, authority: BAD_AUTHORITIES },
    build: ({ format, authority }, given) => {
      const tsa = createTsa({ name: 'Bad TSA', ...authority(given.now) });
      return stamped(given, format, { tsa, fault: 'authenticTimestamp' });
    },
  }),
  kind({
    name: 'timestamp by an authority that is not trusted',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      stores: values<Readonly<Record<string, Entry>>>({
        'another root': { 'tsa/time/root.crt': trusted(STRANGE_TSA.root) },
        'the CA of code signing': { 'tsa/time/root.crt': trusted(CA.root) },
        'a CA of the same name': {
          'tsa/time/root.crt': trusted(
            createTsa({ name: 'TSA', root: { key: testKey('p256', 'other') } }).root,
          ),
        },
      }),
    },
    build: ({ format, level, stores }, given) =>
      stamped(given, format, { level, stores, fault: 'authenticTimestamp' }),
  }),
  kind({
    name: 'store of timestamping authorities that is not to be used',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      stores: values<Readonly<Record<string, Entry>>>({
        missing: {},
        empty: { 'tsa/time': 'directory' },
        'an intermediate': {
          'tsa/time/a.crt': trusted(TSA.root),
          'tsa/time/b.crt': trusted(createTsa({ intermediates: 1, name: 'Two' }).issuer),
        },
        'the authority itself': { 'tsa/time/a.crt': trusted(TSA.root, TSA.signer) },
        'no certificate': {
          'tsa/time/a.crt': trusted(TSA.root),
          'tsa/time/b.crt': Buffer.from('x'),
        },
      }),
    },
    build: ({ format, level, stores }, given) =>
      stamped(given, format, { level, stores, fault: 'authenticTimestamp' }),
  }),
  kind({
    name: 'timestamp where the policy has no store for it',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      leaf: each('valid', 'expired'),
      token: each('good', 'by a stranger'),
    },
    build: ({ format, level, leaf, token }, given) => {
      const isValid = leaf === 'valid';
      return stamped(given, format, {
        level,
        tsa: token === 'good' ? TSA : STRANGE_TSA,
        ...(isValid
          ? {}
          : { signer: expiredLeaf(given.now), at: minutesFrom(given.now, -3 * DAY_MINUTES) }),
        trustStores: ['ca:acme'],
        fault: isValid ? 'nothing' : 'authenticTimestamp',
      });
    },
  }),
  kind({
    name: 'store of timestamping authorities alone',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) =>
      stamped(given, format, { level, trustStores: ['tsa:time'], fault: 'authenticity' }),
  }),
  kind({
    name: 'timestamp beside a signing authority',
    parameters: { format: FORMATS, level: LEVELS, token: each('good', 'none', 'by a stranger') },
    build: ({ format, level, token }, given) => {
      const signer = leafWith();
      const setup = stamped(given, format, {
        level,
        signer,
        tsa: token === 'by a stranger' ? STRANGE_TSA : TSA,
        ...(token === 'none' ? { edit: null } : {}),
        trustStores: ['signingAuthority:acme', 'tsa:time'],
        envelope: {
          scheme: 'notary.x509.signingAuthority',
          authenticSigningTime: minutesFrom(given.now, -60),
        },
        fault: 'nothing',
      });
      return {
        ...setup,
        stores: { ...setup.stores, 'signingAuthority/acme/root.crt': trusted(rootOf(signer)) },
      };
    },
  }),
  kind({
    name: 'timestamp override',
    parameters: {
      level: LEVELS,
      action: each('enforce', 'log'),
      token: each('good', 'none', 'by a stranger'),
    },
    build: ({ level, action, token }, given) =>
      stamped(given, 'jws', {
        override: { authenticTimestamp: action },
        level,
        tsa: token === 'by a stranger' ? STRANGE_TSA : TSA,
        stores: { 'tsa/time/root.crt': trusted(TSA.root) },
        ...(token === 'none' ? { edit: null } : {}),
        fault: token === 'good' ? 'nothing' : 'authenticTimestamp',
      }),
  }),
  kind({
    name: 'timestamp whose authority’s revocation is asked for',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      status: each('good', 'revoked', 'unknown'),
      revocation: { enforced: 'enforce', logged: 'log', skipped: 'skip' },
    },
    build: ({ format, level, status, revocation }, given) => {
      const ocspUrl = given.serve(() => mintOcspResponse(tsa.signer, tsa.root, { status }));
      const tsa: TestTsa = createTsa({ name: 'Revocable TSA', signer: { ocspUrl } });
      // It is part of the timestamp, whatever the policy says of revocation.
      const fault = status === 'good' ? 'nothing' : 'authenticTimestamp';
      return stamped(given, format, { level, override: { revocation }, tsa, fault });
    },
  }),
  kind({
    name: 'timestamp by whoever is no authority',
    parameters: { format: FORMATS, who: each('the signing leaf', 'a stranger’s leaf') },
    build: ({ format, who }, given) => {
      const signer = who === 'the signing leaf' ? leafWith() : STRANGER.issue();
      const stamp: TestTsa['stamp'] = (message, options) => stampWith(signer, message, options);
      return stamped(given, format, {
        tsa: { ...TSA, stamp },
        stores: { 'tsa/time/root.crt': trusted(rootOf(signer)) },
        fault: 'authenticTimestamp',
      });
    },
  }),
];

interface Stamped {
  readonly level?: string;
  readonly when?: string | undefined;
  readonly override?: object;
  readonly fault?: Step;
  /** Default: `TSA`. */
  readonly tsa?: TestTsa;
  /** Default: now. */
  readonly at?: Date;
  readonly token?: TokenOptions;
  /** Changes the token; null: there is none. */
  readonly edit?: ((token: Buffer) => Uint8Array) | null;
  readonly signer?: TestCertificate;
  readonly trustStores?: readonly string[];
  /** In place of the store that holds the authority's root. */
  readonly stores?: Readonly<Record<string, Entry>>;
  readonly envelope?: Partial<EnvelopeOptions>;
}

/** A world whose signature has a timestamp, by an authority that the policy trusts. */
function stamped(given: Given, format: 'jws' | 'cose', options: Stamped) {
  const {
    level = 'strict',
    when,
    override,
    tsa = TSA,
    signer = leafWith(),
    edit = (token: Buffer) => token,
  } = options;
  const unsigned = new Map<string, string | Uint8Array>();
  const setup = world(given, {
    fault: options.fault ?? 'nothing',
    signature: {
      format,
      signer,
      unsigned,
      // The token is over the signature, which is there only now; what is not signed is written after.
      tamper: ({ signature }: SignedParts) => {
        if (edit === null) return {};
        const info = { time: options.at ?? given.now, ...options.token?.info };
        const token = Buffer.from(edit(tsa.stamp(signature, { ...options.token, info })));
        unsigned.set(
          'io.cncf.notary.timestampSignature',
          format === 'jws' ? token.toString('base64') : token,
        );
        return {};
      },
      ...options.envelope,
    },
    statement: {
      trustStores: options.trustStores ?? ['ca:acme', 'tsa:time'],
      signatureVerification: {
        level,
        ...(when === undefined ? {} : { verifyTimestamp: when }),
        ...(override === undefined ? {} : { override }),
      },
    },
  });
  const stores = options.stores ?? { 'tsa/time/root.crt': trusted(tsa.root) };
  return { ...setup, stores: { ...setup.stores, ...stores } };
}

/** Valid from ten days ago until two days ago. */
function expiredLeaf(now: Date): TestCertificate {
  return leafWith({
    notBefore: minutesFrom(now, -10 * DAY_MINUTES),
    notAfter: minutesFrom(now, -2 * DAY_MINUTES),
  });
}

function signedBy(signer: CertificateOptions): TsaOptions {
  return { signer };
}
