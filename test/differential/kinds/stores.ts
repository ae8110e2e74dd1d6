// Kinds about trust stores: what is in them, and in which of them.
import { createCa } from '../../support/ca.ts';
import type { CertificateOptions } from '../../support/certificate.ts';
import {
  CA,
  caFields,
  leafBelow,
  leafOfRoot,
  leafWith,
  minutesFrom,
  selfSigned,
  STRANGER,
} from '../generate/certificates.ts';
import { FORMATS, LEVELS, pem, rootOf, TRUSTS_CA, trusted, world } from '../generate/setup.ts';
import { each, type Entry, kind, values } from '../kind.ts';

const AUTHORITY = 'notary.x509.signingAuthority';
const MIXED = createCa({ name: 'Mixed' });
const DAY_MINUTES = 24 * 60;

type Stores = Readonly<Record<string, Entry>>;

/** Files that hold the trusted root, whatever else. */
const GOOD_FILES: Readonly<Record<string, Stores>> = {
  DER: { 'ca/acme/root.der': CA.root.der },
  'two in DER': { 'ca/acme/roots.der': Buffer.concat([STRANGER.root.der, CA.root.der]) },
  'many in PEM': { 'ca/acme/roots.pem': trusted(STRANGER.root, MIXED.root, CA.root) },
  'in many files': { 'ca/acme/a.crt': trusted(STRANGER.root), 'ca/acme/b.pem': trusted(CA.root) },
  'of any name': { 'ca/acme/root': trusted(CA.root) },
  'a hidden file': { 'ca/acme/.root': trusted(CA.root) },
  'text around PEM': { 'ca/acme/root.crt': Buffer.from(`Root:\n${pem(CA.root.der)}\n# end\n`) },
  'CR and LF': { 'ca/acme/root.crt': Buffer.from(pem(CA.root.der).replaceAll('\n', '\r\n')) },
  'the same twice': {
    'ca/acme/a.crt': trusted(CA.root, CA.root),
    'ca/acme/b.crt': trusted(CA.root),
  },
  'and a self-signed leaf': { 'ca/acme/a.crt': trusted(CA.root, selfSigned()) },
};

/** Files that make a store unusable although the trusted root is there. */
const BAD_FILES: Readonly<Record<string, Stores>> = {
  'no certificate': { 'ca/acme/x.txt': Buffer.from('read me') },
  'an empty file': { 'ca/acme/x.crt': Buffer.alloc(0) },
  'a private key': { 'ca/acme/x.key': Buffer.from(pem(CA.root.der, 'PRIVATE KEY').slice(0, 80)) },
  'a broken certificate': { 'ca/acme/x.crt': trusted(CA.root.der.subarray(0, -1)) },
  'DER with a byte more': { 'ca/acme/x.der': Buffer.concat([CA.root.der, Buffer.alloc(1)]) },
  'broken base64': { 'ca/acme/x.crt': Buffer.from(pem(CA.root.der).replace('M', '*')) },
  'a leaf that a CA issued': { 'ca/acme/x.crt': trusted(leafWith()) },
};

export const STORE_KINDS = [
  kind({
    name: 'store that holds the root in some form',
    parameters: { format: FORMATS, files: GOOD_FILES },
    build: ({ format, files }, given) => world(given, { signature: { format }, stores: files }),
  }),
  kind({
    name: 'store that holds something else too',
    parameters: { format: FORMATS, level: LEVELS, files: BAD_FILES },
    build: ({ format, level, files }, given) =>
      world(given, {
        level,
        fault: 'authenticity',
        signature: { format },
        stores: { ...TRUSTS_CA, ...files },
      }),
  }),
  kind({
    name: 'store that is missing or empty',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      stores: values<Stores>({
        missing: {},
        empty: { 'ca/acme': 'directory' },
        'of another name': { 'ca/other/root.crt': trusted(CA.root) },
        'of a name in another case': { 'ca/ACME/root.crt': trusted(CA.root) },
        'of another type': { 'signingAuthority/acme/root.crt': trusted(CA.root) },
        'a file': { 'ca/acme': trusted(CA.root) },
      }),
    },
    build: ({ format, level, stores }, given) =>
      world(given, { level, fault: 'authenticity', signature: { format }, stores }),
  }),
  kind({
    name: 'store that trusts others',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      holds: each('a stranger', 'a stranger’s namesake', 'the leaf’s twin'),
    },
    build: ({ format, level, holds }, given) => {
      const certificate = {
        'a stranger': STRANGER.root,
        'a stranger’s namesake': leafOfRoot({ subjectDer: CA.root.subject }),
        'the leaf’s twin': selfSigned(),
      }[holds];
      const stores = { 'ca/acme/root.crt': trusted(rootOf(certificate)) };
      return world(given, { level, fault: 'authenticity', signature: { format }, stores });
    },
  }),
  kind({
    name: 'store that pins an intermediate',
    parameters: { format: FORMATS, level: LEVELS, which: { lower: 1, upper: 2 } },
    build: ({ format, level, which }, given) => {
      const signer = leafBelow(2);
      const stores = { 'ca/acme/intermediate.crt': trusted(signer.chain[which] ?? signer.der) };
      return world(given, { level, signature: { format, signer }, stores });
    },
  }),
  kind({
    name: 'store that pins a leaf that a CA issued',
    parameters: { format: FORMATS, level: LEVELS, beside: each('alone', 'with its root') },
    build: ({ format, level, beside }, given) => {
      const signer = leafWith();
      const held = beside === 'alone' ? [signer] : [signer, CA.root];
      const stores = { 'ca/acme/leaf.crt': trusted(...held) };
      return world(given, { level, fault: 'authenticity', signature: { format, signer }, stores });
    },
  }),
  kind({
    name: 'store that holds an expired root',
    parameters: { format: FORMATS, level: LEVELS, signs: each('another', 'itself') },
    build: ({ format, level, signs }, given) => {
      const validity = {
        notBefore: minutesFrom(given.now, -9 * DAY_MINUTES),
        notAfter: minutesFrom(given.now, -DAY_MINUTES),
      };
      const expired = leafOfRoot(validity);
      const signer = signs === 'itself' ? expired : leafWith();
      return world(given, {
        level,
        fault: signs === 'itself' ? 'authenticTimestamp' : 'nothing',
        signature: { format, signer },
        stores: { 'ca/acme/roots.crt': trusted(rootOf(expired), CA.root) },
      });
    },
  }),
  kind({
    name: 'several stores',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      stores: each('one of them trusts', 'none trusts', 'one is missing', 'the same twice'),
    },
    build: ({ format, level, stores }, given) => {
      const files: Stores = {
        ...(stores === 'one is missing' ? {} : { 'ca/first/root.crt': trusted(STRANGER.root) }),
        'ca/second/root.crt': trusted(stores === 'none trusts' ? MIXED.root : CA.root),
      };
      const trustStores =
        stores === 'the same twice' ? ['ca:second', 'ca:second'] : ['ca:first', 'ca:second'];
      const isGood = stores === 'one of them trusts' || stores === 'the same twice';
      return world(given, {
        level,
        fault: isGood ? 'nothing' : 'authenticity',
        signature: { format },
        statement: { trustStores },
        stores: files,
      });
    },
  }),
  kind({
    name: 'directory in a store',
    parameters: {
      format: FORMATS,
      entry: values<Stores>({
        empty: { 'ca/acme/more': 'directory' },
        full: { 'ca/acme/more/root.crt': trusted(STRANGER.root) },
      }),
    },
    build: ({ format, entry }, given) =>
      world(given, { signature: { format }, stores: { ...TRUSTS_CA, ...entry } }),
  }),
  kind({
    name: 'symbolic link in a store',
    parameters: {
      format: FORMATS,
      stores: {
        'to a file beside it': {
          'ca/acme/.data': trusted(CA.root),
          'ca/acme/root.crt': { link: '.data' },
        },
        'as in a ConfigMap': {
          'ca/acme/..1/root.crt': trusted(CA.root),
          'ca/acme/..data': { link: '..1' },
          'ca/acme/root.crt': { link: '..data/root.crt' },
        },
        'the store itself': { 'ca/real/root.crt': trusted(CA.root), 'ca/acme': { link: 'real' } },
      },
    },
    build: ({ format, stores }, given) => world(given, { signature: { format }, stores }),
  }),
  kind({
    name: 'symbolic link out of the trust stores',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      link: {
        'to nothing': 'nowhere',
        'to the policy': '../../../../trustpolicy.json',
        'to the system': '/etc/hostname',
      },
    },
    build: ({ format, level, link }, given) =>
      world(given, {
        level,
        fault: 'authenticity',
        signature: { format },
        stores: { ...TRUSTS_CA, 'ca/acme/x.crt': { link } },
      }),
  }),
  kind({
    name: 'signing authority',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      chain: { 'one CA': 0, 'an intermediate': 1, 'by itself': -1 },
    },
    build: ({ format, level, chain }, given) => {
      const signer = chain < 0 ? selfSigned() : leafBelow(chain);
      return world(given, { level, ...authority(given.now, signer, 'signingAuthority', format) });
    },
  }),
  kind({
    name: 'signing authority in a store of another type',
    parameters: { format: FORMATS, level: LEVELS, type: each('ca', 'both named, one held') },
    build: ({ format, level, type }, given) => {
      const changes = authority(given.now, leafWith(), 'ca', format);
      const trustStores = type === 'ca' ? ['ca:acme'] : ['ca:acme', 'signingAuthority:acme'];
      const stores = {
        ...changes.stores,
        'signingAuthority/acme/root.crt': trusted(STRANGER.root),
      };
      return world(given, {
        ...changes,
        level,
        fault: 'authenticity',
        statement: { trustStores },
        stores,
      });
    },
  }),
  kind({
    name: 'leaf of the signing authority’s store without that scheme',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) => {
      const { stores, statement } = authority(given.now, leafWith(), 'signingAuthority', format);
      return world(given, {
        level,
        fault: 'authenticity',
        signature: { format },
        stores,
        statement,
      });
    },
  }),
  kind({
    name: 'signing authority that signed at another time',
    parameters: {
      format: FORMATS,
      level: LEVELS,
      // Of signing and of the leaf's validity, in days from now.
      days: values<readonly [signed: number, from: number, to: number]>({
        'expired since': [-5, -10, -1],
        'before it was valid': [-5, -3, 10],
        'after it expired': [-2, -10, -3],
        'at its first second': [-5, -5, -1],
        'at its last second': [-5, -9, -5],
        'in the future': [5, -5, 9],
      }),
    },
    build: ({ format, level, days: [signed, from, to] }, given) => {
      const at = (days: number) => minutesFrom(given.now, days * DAY_MINUTES);
      const validity: CertificateOptions = { notBefore: at(from), notAfter: at(to) };
      const changes = authority(at(signed), leafWith(validity), 'signingAuthority', format);
      const isValid = from <= signed && signed <= to;
      return world(given, { level, ...changes, fault: isValid ? 'nothing' : 'authenticTimestamp' });
    },
  }),
  kind({
    name: 'store with a CA of another form',
    parameters: {
      format: FORMATS,
      ca: {
        'key usage absent': { keyUsage: null },
        'no path': { basicConstraints: { ca: true, pathLength: 0 } },
        'constraints not critical': { basicConstraints: { ca: true, critical: false } },
      },
    },
    build: ({ format, ca }, given) => {
      const other = leafOfRoot({ ...caFields('of another form'), ...ca });
      const stores = { ...TRUSTS_CA, 'ca/acme/x.crt': trusted(rootOf(other)) };
      return world(given, { signature: { format }, stores });
    },
  }),
];

function authority(
  signedAt: Date,
  signer: ReturnType<typeof leafWith>,
  type: string,
  format: 'jws' | 'cose',
) {
  return {
    signature: { format, signer, scheme: AUTHORITY, authenticSigningTime: signedAt },
    statement: { trustStores: [`${type}:acme`] },
    stores: { [`${type}/acme/root.crt`]: trusted(rootOf(signer)) },
  };
}
