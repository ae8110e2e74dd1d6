// Kinds about what one certificate of a chain may be.
import type {
  CertificateOptions,
  KeyUsageName,
  TestCertificate,
} from '../../support/certificate.ts';
import { sequence, utf8String } from '../../support/der.ts';
import { testKey } from '../../support/keys.ts';
import {
  leafBelow,
  leafOfRoot,
  leafWith,
  minutesFrom,
  selfSigned,
} from '../generate/certificates.ts';
import { FORMATS, LEVELS, world } from '../generate/setup.ts';
import { each, kind, values } from '../kind.ts';

const FORBIDDEN_USAGES = [
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const PURPOSES = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  OCSPSigning: '1.3.6.1.5.5.7.3.9',
} as const;
const UNKNOWN_EXTENSION = { oid: '1.3.6.1.4.1.99999.1', value: utf8String('what?') };
const DAY_MINUTES = 24 * 60;
/** From and to, in minutes from now. */
const INVALID: Readonly<Record<string, readonly [number, number]>> = {
  'expired just now': [-DAY_MINUTES, -1],
  'expired long ago': [-900 * DAY_MINUTES, -400 * DAY_MINUTES],
  'not yet valid': [60, DAY_MINUTES],
  'for one second only': [-1, -1],
  'never, as it ends before it begins': [60, -60],
};
/** Who signs: a leaf of a CA or nobody but itself. */
const LEAVES = { issued: leafWith, 'self-signed': selfSigned } as const;

export const CERTIFICATE_KINDS = [
  kind({
    name: 'key usage of the leaf that is forbidden',
    parameters: { format: FORMATS, leaf: LEAVES, usage: each(...FORBIDDEN_USAGES) },
    build: ({ format, leaf, usage }, given) =>
      bad(given, format, leaf({ keyUsage: { usages: ['digitalSignature', usage] } })),
  }),
  kind({
    name: 'key usage of the leaf that is missing',
    parameters: {
      format: FORMATS,
      leaf: LEAVES,
      usage: values<NonNullable<CertificateOptions['keyUsage']> | null>({
        absent: null,
        'not critical': { usages: ['digitalSignature'], critical: false },
        'contentCommitment alone': { usages: ['contentCommitment'] },
      }),
    },
    build: ({ format, leaf, usage }, given) => bad(given, format, leaf({ keyUsage: usage })),
  }),
  kind({
    name: 'key usage of the leaf that is allowed',
    parameters: {
      format: FORMATS,
      leaf: LEAVES,
      usages: values<readonly KeyUsageName[]>({
        'digitalSignature alone': ['digitalSignature'],
        'with contentCommitment': ['digitalSignature', 'contentCommitment'],
      }),
    },
    build: ({ format, leaf, usages }, given) => good(given, format, leaf({ keyUsage: { usages } })),
  }),
  kind({
    name: 'extended key usage of the leaf that is forbidden',
    parameters: {
      format: FORMATS,
      leaf: LEAVES,
      purpose: PURPOSES,
      beside: { alone: [], codeSigning: [CODE_SIGNING] },
    },
    build: ({ format, leaf, purpose, beside }, given) =>
      bad(given, format, leaf({ extendedKeyUsage: { oids: [...beside, purpose] } })),
  }),
  kind({
    name: 'anyExtendedKeyUsage of the leaf',
    parameters: {
      format: FORMATS,
      leaf: LEAVES,
      beside: { alone: [], codeSigning: [CODE_SIGNING] },
      critical: { no: false, yes: true },
    },
    build: ({ format, leaf, beside, critical }, given) =>
      bad(
        given,
        format,
        leaf({ extendedKeyUsage: { oids: [...beside, '2.5.29.37.0'], critical } }),
      ),
  }),
  kind({
    name: 'extended key usage of the leaf that is allowed',
    parameters: {
      format: FORMATS,
      leaf: LEAVES,
      usage: {
        absent: null,
        critical: { oids: [CODE_SIGNING], critical: true },
        'unknown purpose': { oids: ['1.3.6.1.4.1.99999.2'] },
        'lifetime signing too': { oids: [CODE_SIGNING, '1.3.6.1.4.1.311.10.3.13'] },
      },
    },
    build: ({ format, leaf, usage }, given) =>
      good(given, format, leaf({ extendedKeyUsage: usage })),
  }),
  kind({
    name: 'basic constraints of a leaf that is a CA',
    parameters: {
      format: FORMATS,
      leaf: LEAVES,
      critical: { no: false, yes: true },
      level: LEVELS,
    },
    build: ({ format, leaf, critical, level }, given) =>
      bad(given, format, leaf({ basicConstraints: { ca: true, critical } }), level),
  }),
  kind({
    name: 'basic constraints of a leaf that is none',
    parameters: {
      format: FORMATS,
      leaf: LEAVES,
      constraints: {
        absent: null,
        critical: { ca: false },
        'not critical': { ca: false, critical: false },
      } as const,
    },
    build: ({ format, leaf, constraints }, given) =>
      good(given, format, leaf({ basicConstraints: constraints })),
  }),
  kind({
    name: 'CA that is none',
    parameters: {
      format: FORMATS,
      place: each('root', 'intermediate'),
      options: values<CertificateOptions>({
        'no basic constraints': { basicConstraints: null },
        'basic constraints that say so': { basicConstraints: { ca: false } },
        'no key usage': { keyUsage: null },
        'key usage not critical': { keyUsage: { usages: ['keyCertSign'], critical: false } },
        'key usage without keyCertSign': { keyUsage: { usages: ['cRLSign', 'digitalSignature'] } },
      }),
    },
    build: ({ format, place, options }, given) => {
      const signer = place === 'root' ? leafOfRoot(options) : leafBelow(1, options);
      return bad(given, format, signer);
    },
  }),
  kind({
    name: 'basic constraints of a CA that are not critical',
    parameters: { format: FORMATS, place: each('root', 'intermediate'), level: LEVELS },
    build: ({ format, place, level }, given) => {
      const options = { basicConstraints: { ca: true, critical: false } };
      return bad(
        given,
        format,
        place === 'root' ? leafOfRoot(options) : leafBelow(1, options),
        level,
      );
    },
  }),
  kind({
    name: 'extended key usage of a CA',
    parameters: {
      format: FORMATS,
      place: each('root', 'intermediate'),
      purpose: { codeSigning: CODE_SIGNING, ...PURPOSES },
    },
    build: ({ format, place, purpose }, given) => {
      const options = { extendedKeyUsage: { oids: [purpose] } };
      return good(given, format, place === 'root' ? leafOfRoot(options) : leafBelow(1, options));
    },
  }),
  kind({
    name: 'path length that is long enough',
    parameters: {
      format: FORMATS,
      intermediates: { one: 1, two: 2, three: 3 },
      pathLength: { least: 0, more: 1, large: 100 },
    },
    build: ({ format, intermediates, pathLength }, given) =>
      // The lowest intermediate could do with less; all have the same.
      good(given, format, leafBelow(intermediates, pathLengthOf(intermediates - 1 + pathLength))),
  }),
  kind({
    name: 'path length that is too short',
    parameters: { format: FORMATS, intermediates: { two: 2, three: 3, four: 4 } },
    build: ({ format, intermediates }, given) =>
      bad(given, format, leafBelow(intermediates, pathLengthOf(intermediates - 2))),
  }),
  kind({
    name: 'unknown extension that is critical',
    parameters: {
      format: FORMATS,
      place: each('root', 'intermediate', 'leaf', 'self-signed'),
      critical: { no: false, yes: true },
    },
    build: ({ format, place, critical }, given) => {
      const options = { extensions: [{ ...UNKNOWN_EXTENSION, critical }] };
      return good(given, format, withOptions(place, options));
    },
  }),
  kind({
    name: 'certificate that is not valid now',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      place: each('root', 'intermediate', 'leaf', 'self-signed'),
      validity: INVALID,
    },
    build: ({ format, level, place, validity: [from, to] }, given) => {
      const options = {
        notBefore: minutesFrom(given.now, from),
        notAfter: minutesFrom(given.now, to),
      };
      const signer = withOptions(place, options);
      return world(given, { level, fault: 'authenticTimestamp', signature: { format, signer } });
    },
  }),
  kind({
    name: 'certificate that is valid just so',
    parameters: {
      format: FORMATS,
      place: each('root', 'intermediate', 'leaf', 'self-signed'),
      validity: { 'since now': [0, 60], 'for ever': [-60, 4_000_000_000] } as const,
    },
    build: ({ format, place, validity: [from, to] }, given) =>
      good(
        given,
        format,
        withOptions(place, {
          notBefore: minutesFrom(given.now, from),
          notAfter: minutesFrom(given.now, to),
        }),
      ),
  }),
  kind({
    name: 'serial number',
    parameters: {
      format: FORMATS,
      serial: { one: 1, 'twenty octets': 2n ** 158n + 1n, 'high bit': 255 },
    },
    build: ({ format, serial }, given) => good(given, format, leafWith({ serialNumber: serial })),
  }),
  kind({
    name: 'serial number that RFC 5280 forbids',
    parameters: { format: FORMATS, serial: { zero: 0, 'thirty octets': 2n ** 238n } },
    build: ({ format, serial }, given) => good(given, format, leafWith({ serialNumber: serial })),
  }),
  kind({
    name: 'subject that is empty',
    parameters: { format: FORMATS, leaf: LEAVES },
    build: ({ format, leaf }, given) => good(given, format, leaf({ subjectDer: sequence() })),
  }),
  kind({
    name: 'duplicate extension',
    parameters: { format: FORMATS, place: each('root', 'intermediate', 'leaf') },
    build: ({ format, place }, given) => {
      const extension = { ...UNKNOWN_EXTENSION, critical: false };
      return bad(given, format, withOptions(place, { extensions: [extension, extension] }));
    },
  }),
  kind({
    name: 'certificate of every signature algorithm',
    parameters: {
      format: FORMATS,
      signature: {
        ...each('rsa-sha256', 'rsa-sha384', 'rsa-sha512', 'pss-sha256', 'pss-sha384', 'pss-sha512'),
        ...each('ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512'),
      },
    },
    build: ({ format, signature }, given) => {
      const type = signature.startsWith('ecdsa') ? 'p384' : 'rsa-2048';
      const root = { key: testKey(type, 'signs certificates'), signature };
      return good(given, format, leafOfRoot(root, { signature }));
    },
  }),
  kind({
    name: 'certificate that Ed25519 signs',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) =>
      bad(given, format, leafOfRoot({ key: testKey('ed25519', 'signs certificates') }), level),
  }),
  kind({
    name: 'certificate that a weak hash signs',
    parameters: { format: FORMATS, signature: each('rsa-md5', 'rsa-sha1', 'ecdsa-sha1') },
    build: ({ format, signature }, given) => {
      const key = testKey(signature === 'ecdsa-sha1' ? 'p256' : 'rsa-2048', 'signs certificates');
      return bad(given, format, leafOfRoot({ key }, { signature }));
    },
  }),
  kind({
    name: 'self-signed leaf that SHA-1 signs',
    parameters: { format: FORMATS, level: LEVELS, signature: each('rsa-sha1', 'ecdsa-sha1') },
    build: ({ format, level, signature }, given) => {
      const key = testKey(signature === 'ecdsa-sha1' ? 'p256' : 'rsa-2048', 'leaf');
      return bad(given, format, selfSigned({ key, signature }), level);
    },
  }),
  kind({
    name: 'CA with a weak key',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      place: each('root', 'intermediate'),
      key: each('rsa-1024', 'p224'),
    },
    build: ({ format, level, place, key }, given) => {
      const options = { key: testKey(key, 'signs certificates') };
      return bad(
        given,
        format,
        place === 'root' ? leafOfRoot(options) : leafBelow(1, options),
        level,
      );
    },
  }),
];

type Given = Parameters<typeof world>[0];

function good(given: Given, format: 'jws' | 'cose', signer: TestCertificate) {
  return world(given, { signature: { format, signer } });
}

function bad(given: Given, format: 'jws' | 'cose', signer: TestCertificate, level?: string) {
  return world(given, {
    fault: 'integrity',
    signature: { format, signer },
    ...(level === undefined ? {} : { level }),
  });
}

function pathLengthOf(pathLength: number): CertificateOptions {
  return { basicConstraints: { ca: true, pathLength } };
}

/** A signer, one certificate of whose chain has the options. */
function withOptions(place: string, options: CertificateOptions): TestCertificate {
  switch (place) {
    case 'root':
      return leafOfRoot(options);
    case 'intermediate':
      return leafBelow(1, options);
    case 'self-signed':
      return selfSigned(options);
    default:
      return leafWith(options);
  }
}
