// Kinds about the JWS envelope: JSON, base64, members.
import { leafWith } from '../generate/certificates.ts';
import { edited, LEVELS, world } from '../generate/setup.ts';
import { each, kind, values } from '../kind.ts';

type Json = Record<string, unknown>;
type Edit = (text: string) => string;

const CHAIN = leafWith();

export const JWS_KINDS = [
  kind({
    name: 'duplicate member in JWS',
    parameters: {
      level: LEVELS,
      place: values<Edit>({
        envelope: (text) => text.replace('{', '{"signature":"AAAA",'),
        'envelope, the same twice': (text) =>
          `${text.slice(0, -1)},${/"payload":"[^"]*"/.exec(text)?.[0] ?? ''}}`,
        'unsigned header': (text) => text.replace('"header":{', '"header":{"x5c":[],'),
      }),
    },
    build: ({ level, place }, given) => {
      const signatures = [edited({ format: 'jws' }, (bytes) => textEdited(bytes, place))];
      return world(given, { level, fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'duplicate member in the protected header of JWS',
    parameters: {
      level: LEVELS,
      name: { cty: '"cty":"x"', time: '"io.cncf.notary.signingTime":"2026-01-01T00:00:00Z"' },
    },
    build: ({ level, name }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: {
          editProtected: (bytes) => textEdited(bytes, (text) => text.replace('{', `{${name},`)),
        },
      }),
  }),
  kind({
    name: 'member of JWS in another case',
    parameters: { level: LEVELS, name: each('payload', 'protected', 'header', 'signature') },
    build: ({ level, name }, given) => {
      const edit: Edit = (text) => text.replace(`"${name}":`, `"${name.toUpperCase()}":`);
      const signatures = [edited({ format: 'jws' }, (bytes) => textEdited(bytes, edit))];
      return world(given, { level, fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'member that JWS does not know',
    parameters: { level: LEVELS, name: each('signatures', 'extra', '') },
    build: ({ level, name }, given) => {
      const signatures = [
        edited({ format: 'jws' }, (bytes) => jsonEdited(bytes, (jws) => ({ ...jws, [name]: [] }))),
      ];
      return world(given, { level, fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'member that JWS lacks, or of another type',
    parameters: {
      member: each('payload', 'protected', 'header', 'signature'),
      value: { absent: undefined, null: null, number: 1, array: [], empty: '' },
    },
    build: ({ member, value }, given) => {
      const edit = (jws: Json): Json => ({ ...jws, [member]: value });
      const signatures = [edited({ format: 'jws' }, (bytes) => jsonEdited(bytes, edit))];
      return world(given, { fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'bytes around JWS',
    parameters: {
      edit: values<Edit>({
        'an octet after it': (text) => `${text}x`,
        'another object after it': (text) => `${text}{}`,
        'a NUL after it': (text) => `${text}\0`,
        'a byte order mark': (text) => `\ufeff${text}`,
        'a comma before the end': (text) => `${text.slice(0, -1)},}`,
        'single quotes': (text) => text.replaceAll('"', "'"),
        'cut short': (text) => text.slice(0, -1),
        nothing: () => '',
        'in an array': (text) => `[${text}]`,
        'compact form': (text) => {
          const {
            payload,
            protected: headers,
            signature,
          } = JSON.parse(text) as Record<string, string>;
          return [headers, payload, signature].join('.');
        },
      }),
    },
    build: ({ edit }, given) => {
      const signatures = [edited({ format: 'jws' }, (bytes) => textEdited(bytes, edit))];
      return world(given, { fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'white space around JWS and in it',
    parameters: {
      indent: { none: 0, two: 2, tab: '\t' },
      around: { newline: '\n', blanks: ' \t\r\n' },
    },
    build: ({ indent, around }, given) => {
      const edit: Edit = (text) => around + JSON.stringify(JSON.parse(text), null, indent) + around;
      return world(given, {
        signatures: [edited({ format: 'jws' }, (bytes) => textEdited(bytes, edit))],
      });
    },
  }),
  kind({
    name: 'base64 of another kind in JWS',
    parameters: {
      member: each('payload', 'protected', 'signature'),
      edit: values<Edit>({
        padded: (text) => `${text}${'='.repeat(4 - (text.length % 4 || 3))}`,
        'a foreign character': (text) => `${text.slice(0, 5)}*${text.slice(6)}`,
        'one character more': (text) => `${text}A`,
        'a blank': (text) => `${text.slice(0, 8)} ${text.slice(8)}`,
      }),
    },
    build: ({ member, edit }, given) => {
      const change = (jws: Json): Json => ({ ...jws, [member]: edit(String(jws[member])) });
      const signatures = [edited({ format: 'jws' }, (bytes) => jsonEdited(bytes, change))];
      return world(given, { fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'line break in the base64 of JWS',
    parameters: {
      member: each('signature', 'x5c'),
      at: { start: 0, middle: 40, late: 80 },
      level: LEVELS,
    },
    build: ({ member, at, level }, given) => {
      const split: Edit = (text) => `${text.slice(0, at)}\n${text.slice(at)}`;
      const signatures = [
        edited({ format: 'jws' }, (bytes) => jsonEdited(bytes, changed(member, split))),
      ];
      return world(given, { level, fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'bits left over in the base64 of JWS',
    parameters: { level: LEVELS },
    build: ({ level }, given) => {
      // 64 octets leave four bits in the last character.
      const edit: Edit = (text) =>
        text.slice(0, -1) + (BASE64URL[BASE64URL.indexOf(text.slice(-1)) + 1] ?? '');
      const signatures = [
        edited({ format: 'jws' }, (bytes) => jsonEdited(bytes, changed('signature', edit))),
      ];
      return world(given, { level, fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'x5c that holds no chain',
    parameters: {
      x5c: {
        absent: undefined,
        null: null,
        empty: [],
        text: CHAIN.der.toString('base64'),
        'no base64': ['*'],
        base64url: [CHAIN.der.toString('base64url')],
        'no certificate': [Buffer.from('certificate').toString('base64')],
        PEM: [CHAIN.pem],
        'trailing byte': [
          Buffer.concat([CHAIN.der, Buffer.alloc(1)]).toString('base64'),
          ...x5c(CHAIN.chain.slice(1)),
        ],
        'an empty one more': [...x5c(CHAIN.chain), ''],
        'cut short': [CHAIN.der.subarray(0, -1).toString('base64'), ...x5c(CHAIN.chain.slice(1))],
      },
    },
    build: ({ x5c: value }, given) => {
      const edit = (jws: Json): Json => ({
        ...jws,
        header: { ...(jws['header'] as Json), x5c: value },
      });
      const signatures = [
        edited({ format: 'jws', signer: CHAIN }, (bytes) => jsonEdited(bytes, edit)),
      ];
      return world(given, { fault: 'integrity', signatures });
    },
  }),
  kind({
    name: 'protected header of JWS that is no object',
    parameters: { value: each('[]', 'null', '"x"', '{}x', '{', '') },
    build: ({ value }, given) =>
      world(given, { fault: 'integrity', signature: { editProtected: () => Buffer.from(value) } }),
  }),
  kind({
    name: 'unsigned JWS header that repeats a protected one',
    parameters: { level: LEVELS, name: each('alg', 'cty', 'io.cncf.notary.expiry') },
    build: ({ level, name }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: {
          expiry: new Date(given.now.getTime() + 3_600_000),
          unsigned: new Map([[name, 'x']]),
        },
      }),
  }),
  kind({
    name: 'unsigned JWS header that is unknown',
    parameters: { name: each('kid', 'com.example', 'io.cncf.notary.future') },
    build: ({ name }, given) => world(given, { signature: { unsigned: new Map([[name, 'x']]) } }),
  }),
];

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function textEdited(bytes: Uint8Array, edit: Edit): Buffer {
  return Buffer.from(edit(Buffer.from(bytes).toString('utf8')));
}

function jsonEdited(bytes: Uint8Array, edit: (jws: Json) => Json): Buffer {
  return textEdited(bytes, (text) => JSON.stringify(edit(JSON.parse(text) as Json)));
}

/** Changes the text of a member, or of the first certificate. */
function changed(member: 'signature' | 'x5c', edit: Edit): (jws: Json) => Json {
  return (jws) => {
    if (member === 'signature') return { ...jws, signature: edit(String(jws['signature'])) };
    const header = jws['header'] as { readonly x5c: readonly [string, ...string[]] };
    const [leaf, ...others] = header.x5c;
    return { ...jws, header: { ...header, x5c: [edit(leaf), ...others] } };
  };
}

function x5c(chain: readonly Buffer[]): string[] {
  return chain.map((der) => der.toString('base64'));
}
