// Kinds about the COSE envelope: tags, lengths, labels, headers.
import { cbor, type CborInput, head } from '../../support/cbor.ts';
import { SIGNING_TIME, type SignedParts } from '../../support/sign-envelope.ts';
import { leafWith } from '../generate/certificates.ts';
import { edited, LEVELS, world } from '../generate/setup.ts';
import { each, kind, values } from '../kind.ts';

const LEAF = leafWith();
const CHAIN: readonly [CborInput, CborInput] = [33, LEAF.chain];
const PREFIX = 'io.cncf.notary.';
const BREAK = Buffer.from([0xff]);

/** The four parts, as `encode` puts them together. */
type Parts = SignedParts & { readonly unprotected: Buffer };

export const COSE_KINDS = [
  kind({
    name: 'COSE under other tags',
    parameters: {
      prefix: {
        none: [],
        'COSE_Sign (98)': [0xd8, 98],
        'COSE_Mac0 (17)': [0xd1],
        'twice 18': [0xd2, 0xd2],
        'self-described': [0xd9, 0xd9, 0xf7, 0xd2],
        '18 in two octets': [0xd8, 18],
        'CWT (61)': [0xd8, 61, 0xd2],
      },
    },
    build: ({ prefix }, given) => {
      const edit = (bytes: Buffer) => Buffer.concat([Buffer.from(prefix), bytes.subarray(1)]);
      const signatures = [edited({ format: 'cose', signer: LEAF }, edit)];
      return world(given, { fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'COSE with indefinite lengths',
    parameters: {
      place: values<Encode>({
        'the array': (parts) => [Buffer.from([0xd2, 0x9f]), ...bodies(parts), BREAK],
        'the unprotected map': (parts) =>
          array(parts, { unprotected: indefinite(0xbf, parts.unprotected.subarray(1)) }),
        'the payload': (parts) => array(parts, { payload: indefinite(0x5f, cbor(parts.payload)) }),
        'the signature': (parts) =>
          array(parts, { signature: indefinite(0x5f, cbor(parts.signature)) }),
      }),
    },
    build: ({ place }, given) =>
      world(given, { fault: 'integrity', signatures: [assembled(place)] }),
  }),
  kind({
    name: 'COSE with indefinite lengths in the protected header',
    parameters: { level: LEVELS },
    build: ({ level }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: {
          format: 'cose',
          editProtected: (bytes) => indefinite(0xbf, bytes.subarray(1)),
        },
      }),
  }),
  kind({
    name: 'COSE label twice',
    parameters: {
      place: each('protected', 'unprotected'),
      label: { alg: 1, 'content type': 3, x5chain: 33, scheme: `${PREFIX}signingScheme` } as const,
    },
    build: ({ place, label }, given) => {
      const entry = cbor(
        new Map<CborInput, CborInput>([
          [label, 0],
          [label, 0],
        ]),
      ).subarray(1);
      if (place === 'unprotected') {
        const signatures = [
          assembled((parts) => array(parts, { unprotected: addedTo(parts.unprotected, entry, 2) })),
        ];
        return world(given, { fault: 'integrity', signatures });
      }
      const signature = {
        format: 'cose',
        editProtected: (bytes: Buffer) => addedTo(bytes, entry, 2),
      } as const;
      return world(given, { fault: 'integrity', signature });
    },
  }),
  kind({
    name: 'COSE label both protected and not',
    parameters: {
      level: LEVELS,
      label: { alg: 1, 'com.example': 'com.example' } as const,
    },
    build: ({ level, label }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: {
          format: 'cose',
          attributes: new Map(typeof label === 'string' ? [[label, 'x']] : []),
          unsigned: new Map([[label, label === 1 ? -7 : 'x']]),
        },
      }),
  }),
  kind({
    name: 'COSE content type both protected and not',
    parameters: { level: LEVELS },
    build: ({ level }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: { format: 'cose', unsigned: new Map([[3, 'x']]) },
      }),
  }),
  kind({
    name: 'COSE that is not in its shortest form',
    parameters: {
      level: LEVELS,
      place: values<Encode>({
        'length of the payload': (parts) => array(parts, { payload: longer(2, parts.payload) }),
        'length of the signature': (parts) =>
          array(parts, { signature: longer(2, parts.signature) }),
      }),
    },
    build: ({ level, place }, given) =>
      world(given, { level, fault: 'integrity', signatures: [assembled(place)] }),
  }),
  kind({
    name: 'COSE protected header that is not in its shortest form',
    parameters: { level: LEVELS },
    build: ({ level }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: {
          format: 'cose',
          // The count of a map of few entries, in an octet of its own.
          editProtected: (bytes) =>
            Buffer.concat([Buffer.from([0xb8, (bytes[0] ?? 0) & 31]), bytes.subarray(1)]),
        },
      }),
  }),
  kind({
    name: 'bytes after COSE, or too few',
    parameters: {
      edit: { 'one more': 1, 'ten more': 10, 'one less': -1, half: -200, nothing: -100_000 },
    },
    build: ({ edit }, given) => {
      const change = (bytes: Buffer) =>
        edit > 0
          ? Buffer.concat([bytes, Buffer.alloc(edit)])
          : bytes.subarray(0, Math.max(0, bytes.length + edit));
      const signatures = [edited({ format: 'cose', signer: LEAF }, change)];
      return world(given, { fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'COSE with other parts',
    parameters: {
      parts: values<Encode>({
        three: (parts) => [Buffer.from([0xd2, 0x83]), ...bodies(parts).slice(0, 3)],
        'four, counted in an octet more': (parts) => [
          Buffer.from([0xd2, 0x98, 4]),
          ...bodies(parts),
        ],
        five: (parts) => [Buffer.from([0xd2, 0x85]), ...bodies(parts), cbor('x')],
        'no payload': (parts) => array(parts, { payload: cbor(null) }),
        'empty payload': (parts) => array(parts, { payload: cbor(Buffer.alloc(0)) }),
        'payload as text': (parts) =>
          array(parts, { payload: cbor(Buffer.from(parts.payload).toString()) }),
        'no signature': (parts) => array(parts, { signature: cbor(null) }),
        'empty signature': (parts) => array(parts, { signature: cbor(Buffer.alloc(0)) }),
        'protected as a map': (parts) => array(parts, { protected: Buffer.from(parts.protected) }),
        'no protected': (parts) => array(parts, { protected: cbor(Buffer.alloc(0)) }),
        'unprotected as bytes': (parts) => array(parts, { unprotected: cbor(parts.unprotected) }),
        'a map': () => [Buffer.from([0xd2]), cbor(new Map())],
        'a tag in the unprotected': (parts) =>
          array(parts, {
            unprotected: addedTo(
              parts.unprotected,
              cbor(new Map<CborInput, CborInput>([['t', { tag: 1, value: 1 }]])).subarray(1),
              1,
            ),
          }),
      }),
    },
    build: ({ parts }, given) =>
      world(given, { fault: 'integrity', signatures: [assembled(parts)] }),
  }),
  kind({
    name: 'x5chain that holds no chain',
    parameters: {
      x5chain: {
        absent: null,
        empty: [],
        'one, not in an array': LEAF.der,
        text: LEAF.pem,
        'no certificate': [Buffer.from('certificate')],
        'trailing byte': [Buffer.concat([LEAF.der, Buffer.alloc(1)]), ...LEAF.chain.slice(1)],
        'array of text': [LEAF.pem],
        number: 33,
      },
    },
    build: ({ x5chain }, given) => {
      const entries: [CborInput, CborInput][] = x5chain === null ? [] : [[33, x5chain]];
      const unprotected = cbor(new Map(entries));
      const signatures = [assembled((parts) => array(parts, { unprotected }))];
      return world(given, { fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'x5chain in the protected header',
    parameters: { level: LEVELS },
    build: ({ level }, given) =>
      world(given, {
        level,
        signatures: [assembled((parts) => array(parts, { unprotected: cbor(new Map()) }), [CHAIN])],
      }),
  }),
];

type Encode = (parts: Parts) => readonly Uint8Array[];

/** A COSE signature whose parts `encode` puts together; further protected entries are signed. */
function assembled(encode: Encode, entries: readonly (readonly [CborInput, CborInput])[] = []) {
  const attributes = new Map(entries) as ReadonlyMap<number, CborInput>;
  let parts: Parts | undefined;
  return edited(
    {
      format: 'cose',
      signer: LEAF,
      signingTime: SIGNING_TIME,
      attributes,
      tamper: (signed) => {
        parts = { ...signed, unprotected: cbor(new Map([CHAIN])) };
        return {};
      },
    },
    () => (parts === undefined ? Buffer.alloc(0) : Buffer.concat(encode(parts))),
  );
}

/** The good form, with encoded parts replaced. */
function array(parts: Parts, changes: Partial<Record<keyof Parts, Uint8Array>> = {}): Uint8Array[] {
  return [Buffer.from([0xd2, 0x84]), ...bodies(parts, changes)];
}

function bodies(
  parts: Parts,
  changes: Partial<Record<keyof Parts, Uint8Array>> = {},
): Uint8Array[] {
  return [
    changes.protected ?? cbor(parts.protected),
    changes.unprotected ?? parts.unprotected,
    changes.payload ?? cbor(parts.payload),
    changes.signature ?? cbor(parts.signature),
  ];
}

function indefinite(first: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([first]), content, BREAK]);
}

/** A string whose length is written in eight octets. */
function longer(major: number, bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(9, (major << 5) + 27);
  length.writeBigUInt64BE(BigInt(bytes.length), 1);
  return Buffer.concat([length, bytes]);
}

/** A map of few entries with encoded ones added. */
function addedTo(map: Uint8Array, entries: Uint8Array, count: number): Buffer {
  return Buffer.concat([head(5, ((map[0] ?? 0) & 31) + count), map.subarray(1), entries]);
}
