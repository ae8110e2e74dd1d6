// Kinds about how certificates form one chain.
import { mintCertificate, type TestCertificate } from '../../support/certificate.ts';
import { subjectNamed } from '../../support/ca.ts';
import { testKey } from '../../support/keys.ts';
import {
  CA,
  caFields,
  intermediateOf,
  KEYS,
  LEAF_SUBJECT,
  leafBelow,
  leafWith,
  selfSigned,
  STRANGER,
} from '../generate/certificates.ts';
import { FORMATS, LEVELS, TRUSTS_CA, trusted, world } from '../generate/setup.ts';
import { each, kind } from '../kind.ts';

type Edit = (chain: readonly Buffer[]) => readonly Uint8Array[];

/** What may go wrong with the chain of a leaf below two intermediates. */
const BROKEN: Readonly<Record<string, Edit>> = {
  'without the root': (chain) => chain.slice(0, -1),
  'without the leaf': (chain) => chain.slice(1),
  'leaf alone': (chain) => chain.slice(0, 1),
  'without the lower intermediate': ([leaf, , ...rest]) => present(leaf, ...rest),
  'without the upper intermediate': ([leaf, lower, , root]) => present(leaf, lower, root),
  'intermediates swapped': ([leaf, lower, upper, root]) => present(leaf, upper, lower, root),
  'root first': (chain) => [...chain].reverse(),
  'leaf twice': ([leaf, ...rest]) => present(leaf, leaf, ...rest),
  'root twice': (chain) => [...chain, ...chain.slice(-1)],
  'intermediate twice': ([leaf, lower, ...rest]) => present(leaf, lower, lower, ...rest),
  'a stranger after the root': (chain) => [...chain, STRANGER.root.der],
  'a stranger in place of the root': (chain) => [...chain.slice(0, -1), STRANGER.root.der],
  'a stranger before the root': (chain) => [
    ...chain.slice(0, -1),
    STRANGER.root.der,
    ...chain.slice(-1),
  ],
};

export const CHAIN_KINDS = [
  kind({
    name: 'good chain of every length',
    parameters: {
      format: FORMATS,
      intermediates: { none: 0, one: 1, two: 2, three: 3, six: 6 },
      key: KEYS,
    },
    build: ({ format, intermediates, key }, given) => {
      const signer = leafBelow(intermediates, {}, { key: testKey(key, 'leaf') });
      return world(given, { signature: { format, signer } });
    },
  }),
  kind({
    name: 'self-signed leaf',
    parameters: { format: FORMATS, level: LEVELS, key: KEYS },
    build: ({ format, level, key }, given) =>
      world(given, {
        level,
        signature: { format, signer: selfSigned({ key: testKey(key, 'leaf') }) },
      }),
  }),
  kind({
    name: 'chain that is not one',
    parameters: { format: FORMATS, level: LEVELS, chain: BROKEN },
    build: ({ format, level, chain: edit }, given) => {
      const signer = leafBelow(2);
      return world(given, {
        level,
        fault: 'integrity',
        signature: { format, signer, chain: edit(signer.chain) },
      });
    },
  }),
  kind({
    name: 'issuer that did not issue',
    parameters: {
      format: FORMATS,
      how: each('another key signed', 'another name', 'a twin of the same name'),
    },
    build: ({ format, how }, given) => {
      const options = {
        'another key signed': { signingKey: testKey('p256', 'nobody') },
        'another name': { issuerName: subjectNamed('nobody') },
        'a twin of the same name': { signingKey: STRANGER.root.key },
      }[how];
      return world(given, { fault: 'integrity', signature: { format, signer: leafWith(options) } });
    },
  }),
  kind({
    name: 'two certificates of one CA',
    parameters: { format: FORMATS, trusts: each('the one in the chain', 'the other') },
    build: ({ format, trusts }, given) => {
      const fields = caFields('re-issued root');
      const first = mintCertificate({ ...fields, serialNumber: 1 });
      const second = mintCertificate({ ...fields, serialNumber: 2 });
      const signer = mintCertificate(
        { subject: LEAF_SUBJECT, key: testKey('p256', 'leaf') },
        first,
      );
      const isTrusted = trusts === 'the one in the chain';
      return world(given, {
        // Trust is in a certificate, not in its name and key.
        fault: isTrusted ? 'nothing' : 'authenticity',
        signature: { format, signer },
        stores: { 'ca/acme/root.crt': trusted(isTrusted ? first : second) },
      });
    },
  }),
  kind({
    name: 'cross-signed root',
    parameters: { format: FORMATS, trusts: each('old root', 'new root', 'cross certificate') },
    build: ({ format, trusts }, given) => {
      const fields = caFields('new root');
      const cross = mintCertificate(fields, CA.root);
      const signer = mintCertificate(
        { subject: LEAF_SUBJECT, key: testKey('p256', 'leaf') },
        cross,
      );
      const store = {
        'old root': CA.root,
        'new root': mintCertificate(fields),
        'cross certificate': cross,
      };
      return world(given, {
        fault: trusts === 'new root' ? 'authenticity' : 'nothing',
        signature: { format, signer },
        stores: { 'ca/acme/root.crt': trusted(store[trusts]) },
      });
    },
  }),
  kind({
    name: 'leaf with the name of its root',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) => {
      const signer = leafWith({ subjectDer: CA.root.subject });
      return world(given, { level, signature: { format, signer } });
    },
  }),
  kind({
    name: 'leaf with the key of its root',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) =>
      world(given, { level, signature: { format, signer: leafWith({ key: CA.root.key }) } }),
  }),
  kind({
    name: 'leaf with the name and the key of its root',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) => {
      const signer = leafWith({ key: CA.root.key, subjectDer: CA.root.subject });
      return world(given, { level, fault: 'integrity', signature: { format, signer } });
    },
  }),
  kind({
    name: 'chain of another CA',
    parameters: { format: FORMATS, level: LEVELS, key: KEYS },
    build: ({ format, level, key }, given) =>
      world(given, {
        level,
        fault: 'authenticity',
        signature: { format, signer: STRANGER.issue({ key: testKey(key, 'leaf') }) },
        stores: TRUSTS_CA,
      }),
  }),
  kind({
    name: 'chain longer than ten',
    parameters: { format: FORMATS, level: LEVELS, intermediates: { nine: 9, fifteen: 15 } },
    build: ({ format, level, intermediates }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: { format, signer: leafBelow(intermediates) },
      }),
  }),
  kind({
    name: 'chain of ten',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) =>
      world(given, { level, signature: { format, signer: leafBelow(8) } }),
  }),
  kind({
    name: 'intermediate that its own leaf’s key signs',
    parameters: { format: FORMATS },
    build: ({ format }, given) => {
      const loop = intermediateOf(CA.root, 1, { signingKey: testKey('p256', 'intermediate 1') });
      const signer: TestCertificate = mintCertificate(
        { subject: LEAF_SUBJECT, key: testKey('p256', 'leaf') },
        loop,
      );
      return world(given, { fault: 'integrity', signature: { format, signer } });
    },
  }),
];

function present(...chain: readonly (Buffer | undefined)[]): Buffer[] {
  return chain.filter((der) => der !== undefined);
}
