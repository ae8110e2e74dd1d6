// Kinds about what hardly anybody writes: each is where two strict readers could well disagree.
import { signCertificate } from '../../support/certificate-signature.ts';
import type { CborInput } from '../../support/cbor.ts';
import type { CertificateOptions, TestCertificate } from '../../support/certificate.ts';
import {
  bitString,
  boolean,
  der,
  explicit,
  integer,
  objectIdentifier,
  sequence,
  utf8String,
} from '../../support/der.ts';
import { CA, leafWith } from '../generate/certificates.ts';
import { FORMATS, world } from '../generate/setup.ts';
import { kind, values } from '../kind.ts';

const COMMON_NAME = objectIdentifier('2.5.4.3');
const OCSP = objectIdentifier('1.3.6.1.5.5.7.48.1');
const CA_ISSUERS = objectIdentifier('1.3.6.1.5.5.7.48.2');
const GARBAGE = Buffer.from('xx');
const NOT_BEFORE = der(0x17, Buffer.from('240101000000Z'));

/** Extensions that say nothing about whether the leaf may sign. */
const UNEVALUATED = values<CertificateOptions>({
  'alternative names': extension('2.5.29.17', GARBAGE),
  'authority key': extension('2.5.29.35', GARBAGE),
  policies: extension('2.5.29.32', GARBAGE),
  'name constraints': extension('2.5.29.30', GARBAGE, true),
  'subject key, critical': extension('2.5.29.14', der(4, Buffer.alloc(20)), true),
  'authority access, critical': extension(
    '1.3.6.1.5.5.7.1.1',
    sequence(sequence(CA_ISSUERS, uri('http://127.0.0.1:1/'))),
    true,
  ),
});

const ODD_LEAVES = values<CertificateOptions>({
  'basic constraints that say FALSE': {
    basicConstraints: null,
    ...extension('2.5.29.19', sequence(boolean(false)), true),
  },
  'path length of no CA': {
    basicConstraints: null,
    ...extension('2.5.29.19', sequence(integer(0)), true),
  },
  'key usage with zeros after it': {
    keyUsage: null,
    ...extension('2.5.29.15', bitString(Buffer.from([0x80, 0])), true),
  },
  'issuers’ address alone': extension(
    '1.3.6.1.5.5.7.1.1',
    sequence(sequence(CA_ISSUERS, uri('http://127.0.0.1:1/'))),
  ),
  'another authority key': extension('2.5.29.35', sequence(der(0x80, Buffer.alloc(20, 7)))),
  'an empty extension': extension('1.2.3.4', Buffer.alloc(0)),
  'a name in BMPString': named(der(0x1e, Buffer.from([0, 65]))),
  'a name in TeletexString': named(der(0x14, Buffer.from([65, 0xe4]))),
  'a name of two values': {
    subjectDer: sequence(
      der(
        0x31,
        sequence(COMMON_NAME, utf8String('a')),
        sequence(objectIdentifier('2.5.4.11'), utf8String('b')),
      ),
    ),
  },
});

const BROKEN_LEAVES = values<() => TestCertificate>({
  'serial number with a zero too many': () =>
    edited(integer(0x7001), der(2, Buffer.from([0, 0x70, 1])), { serialNumber: 0x7001 }),
  'version 2 with extensions': () => edited(explicit(0, integer(2)), explicit(0, integer(1))),
  'version 4': () => edited(explicit(0, integer(2)), explicit(0, integer(3))),
  'TRUE that is not 0xff': () => edited(boolean(true), der(1, Buffer.of(1))),
  'time without seconds': () => edited(NOT_BEFORE, der(0x17, Buffer.from('2401010000Z'))),
  'time with an offset': () => edited(NOT_BEFORE, der(0x17, Buffer.from('240101000000+0000'))),
  'time with a fraction': () => edited(NOT_BEFORE, der(0x18, Buffer.from('20240101000000.5Z'))),
  'empty key usage': () =>
    leafWith({ keyUsage: null, ...extension('2.5.29.15', bitString(Buffer.alloc(0)), true) }),
  'key usage with bits unused that are set': () =>
    leafWith({ keyUsage: null, ...extension('2.5.29.15', bitString(Buffer.of(0x8f), 7), true) }),
  'extended key usage that is none': () =>
    leafWith({ extendedKeyUsage: null, ...extension('2.5.29.37', utf8String('x')) }),
  'authority access that is none': () => leafWith(extension('1.3.6.1.5.5.7.1.1', GARBAGE)),
  'distribution points that are none': () => leafWith(extension('2.5.29.31', GARBAGE)),
});

/** What Go’s reader lets pass. */
const LOOSE_LEAVES = values<CertificateOptions>({
  'bytes after the basic constraints': {
    basicConstraints: null,
    ...extension('2.5.29.19', Buffer.concat([sequence(), Buffer.from([5, 0])]), true),
  },
  'extended key usage without a purpose': { extendedKeyUsage: { oids: [] } },
  'a name with an empty RDN': { subjectDer: sequence(der(0x31)) },
});

const NO_ADDRESS = values<CertificateOptions>({
  'CRL by a directory name': extension(
    '2.5.29.31',
    sequence(sequence(explicit(0, explicit(0, explicit(4, CA.root.subject))))),
  ),
  'no distribution point': extension('2.5.29.31', sequence()),
  'OCSP by a directory name': extension(
    '1.3.6.1.5.5.7.1.1',
    sequence(sequence(OCSP, explicit(4, CA.root.subject))),
  ),
});

type Edit = (text: string) => string;
const SIZE = /"size":(\d+)/;

export const RARE_KINDS = [
  kind({
    name: 'leaf that is odd but good',
    parameters: { format: FORMATS, leaf: ODD_LEAVES },
    build: ({ format, leaf }, given) =>
      world(given, { signature: { format, signer: leafWith(leaf) } }),
  }),
  kind({
    name: 'leaf that is not as X.509 has it',
    parameters: { format: FORMATS, leaf: BROKEN_LEAVES },
    build: ({ format, leaf }, given) =>
      world(given, { fault: 'integrity', signature: { format, signer: leaf() } }),
  }),
  kind({
    name: 'leaf with an extension that is malformed, and not evaluated',
    parameters: { format: FORMATS, leaf: UNEVALUATED },
    build: ({ format, leaf }, given) =>
      world(given, { signature: { format, signer: leafWith(leaf) } }),
  }),
  kind({
    name: 'leaf whose name has characters that its type lacks',
    parameters: { format: FORMATS, name: { at: 'a@b', star: 'a*b@', underscore: 'a_b' } },
    build: ({ format, name }, given) =>
      world(given, {
        signature: { format, signer: leafWith(named(der(0x13, Buffer.from(name)))) },
      }),
  }),
  kind({
    name: 'leaf that is not quite as X.509 has it',
    parameters: { format: FORMATS, leaf: LOOSE_LEAVES },
    build: ({ format, leaf }, given) =>
      world(given, { fault: 'integrity', signature: { format, signer: leafWith(leaf) } }),
  }),
  kind({
    name: 'leaf whose revocation is somewhere without an address',
    parameters: { format: FORMATS, leaf: NO_ADDRESS },
    build: ({ format, leaf }, given) =>
      world(given, { fault: 'revocation', signature: { format, signer: leafWith(leaf) } }),
  }),
  kind({
    name: 'payload in another form of the same',
    parameters: {
      format: FORMATS,
      edit: values<Edit>({
        'escaped characters': (text) => text.replace('sha256:', 'sha256\\u003a'),
        'white space': (text) => `  ${JSON.stringify(JSON.parse(text), null, 2)}\n`,
        __proto__: (text) => text.replace('{', '{"__proto__":{},'),
        'null for annotations': (text) => text.replace(SIZE, '"annotations":null,$&'),
        'data beside the digest': (text) => text.replace(SIZE, '"data":"aGVsbG8=",$&'),
      }),
    },
    build: ({ format, edit }, given) => {
      const payload = Buffer.from(edit(JSON.stringify({ targetArtifact: given.image })));
      return world(given, { signature: { format, payload } });
    },
  }),
  kind({
    name: 'payload whose members are of other types',
    parameters: {
      format: FORMATS,
      edit: values<Edit>({
        'size as text': (text) => text.replace(SIZE, '"size":"$1"'),
        'annotations that are numbers': (text) => text.replace(SIZE, '"annotations":{"a":1},$&'),
        'artifact type that is a number': (text) => text.replace(SIZE, '"artifactType":1,$&'),
        'a control character': (text) => text.replace('{', '{"x":"\u0001",'),
        'a byte order mark': (text) => `\ufeff${text}`,
      }),
    },
    build: ({ format, edit }, given) => {
      const payload = Buffer.from(edit(JSON.stringify({ targetArtifact: given.image })));
      return world(given, { fault: 'integrity', signature: { format, payload } });
    },
  }),
  kind({
    name: 'payload that Go’s types do not hold',
    parameters: {
      format: FORMATS,
      edit: values<Edit>({
        'size with a point': (text) => text.replace(SIZE, '"size":$1.0'),
        'size with an exponent': (text) => text.replace(SIZE, '"size":$1e0'),
        'text for urls': (text) => text.replace(SIZE, '"urls":"x",$&'),
        'text for the platform': (text) => text.replace(SIZE, '"platform":"x",$&'),
      }),
    },
    build: ({ format, edit }, given) => {
      const payload = Buffer.from(edit(JSON.stringify({ targetArtifact: given.image })));
      return world(given, { signature: { format, payload } });
    },
  }),
  kind({
    name: 'payload beyond what readers have in common',
    parameters: {
      format: FORMATS,
      edit: values<Edit>({
        'half a surrogate pair': (text) => text.replace('{', '{"x":"\\ud800",'),
        '200 levels': (text) => text.replace('{', `{"x":${'['.repeat(200)}${']'.repeat(200)},`),
        'a number too large': (text) => text.replace('{', '{"x":1e999,'),
      }),
    },
    build: ({ format, edit }, given) => {
      const payload = Buffer.from(edit(JSON.stringify({ targetArtifact: given.image })));
      return world(given, { fault: 'integrity', signature: { format, payload } });
    },
  }),
  kind({
    name: 'protected JWS header in another form of the same',
    parameters: {
      edit: values<Edit>({
        'white space': (text) => ` ${JSON.stringify(JSON.parse(text), null, 1)} `,
        'escaped names': (text) => text.replace('"alg"', '"\\u0061lg"'),
        typ: (text) => text.replace('{', '{"typ":"JWT",'),
        jwk: (text) => text.replace('{', '{"jwk":{},'),
        'null for what is unknown': (text) => text.replace('{', '{"com.example":null,'),
        'the year 0': (text) => text.replace('2026-', '0000-'),
        'many digits of a second': (text) => text.replace('05Z', '05.123456789123Z'),
      }),
    },
    build: ({ edit }, given) => world(given, { signature: { editProtected: textEdited(edit) } }),
  }),
  kind({
    name: 'protected JWS header with a time that RFC 3339 does not know',
    parameters: {
      edit: values<Edit>({
        'lower case T': (text) => text.replace('T03', 't03'),
        'lower case Z': (text) => text.replace('05Z', '05z'),
        'a blank': (text) => text.replace('T03', ' 03'),
        'a leap second': (text) => text.replace('04:05Z', '59:60Z'),
        'hour 24': (text) => text.replace('T03', 'T24'),
        'an offset without a colon': (text) => text.replace('05Z', '05+0000'),
      }),
    },
    build: ({ edit }, given) =>
      world(given, { fault: 'integrity', signature: { editProtected: textEdited(edit) } }),
  }),
  kind({
    name: 'time that RFC 3339 does not know, but Go does',
    parameters: {
      edit: values<Edit>({
        'a comma before the fraction': (text) => text.replace('05Z', '05,5Z'),
        'an offset of a day': (text) => text.replace('05Z', '05+24:00'),
        'null for the expiry': (text) => text.replace('{', '{"io.cncf.notary.expiry":null,'),
      }),
    },
    build: ({ edit }, given) =>
      world(given, { fault: 'integrity', signature: { editProtected: textEdited(edit) } }),
  }),
  kind({
    name: 'COSE time that RFC 3339 cannot write',
    parameters: { time: { 'before 1970': -5, 'in the year 10000': 253_402_300_800 } },
    build: ({ time }, given) => {
      const signature = { format: 'cose', signingTime: { tag: 1, value: time } } as const;
      return world(given, { fault: 'integrity', signature });
    },
  }),
  kind({
    name: 'protected header of JWS in another case',
    parameters: { name: { cty: 'cty', crit: 'crit' } },
    build: ({ name }, given) => {
      const edit: Edit = (text) => text.replace(`"${name}"`, `"${name.toUpperCase()}"`);
      return world(given, { fault: 'integrity', signature: { editProtected: textEdited(edit) } });
    },
  }),
  kind({
    name: 'b64 marked critical',
    parameters: { value: { true: 'true', false: 'false' } },
    build: ({ value }, given) => {
      const edit: Edit = (text) =>
        text.replace('{', `{"b64":${value},`).replace('"crit":[', '"crit":["b64",');
      return world(given, { fault: 'integrity', signature: { editProtected: textEdited(edit) } });
    },
  }),
  kind({
    name: 'minimum version of a plugin that is neither critical nor named',
    parameters: { format: FORMATS },
    build: ({ format }, given) => {
      const attributes = new Map([['io.cncf.notary.verificationPluginMinVersion', '1.0.0']]);
      return world(given, { fault: 'integrity', signature: { format, attributes } });
    },
  }),
  kind({
    name: 'COSE attribute of a usual type',
    parameters: {
      attribute: values<readonly [string | number, CborInput]>({
        kid: [4, Buffer.from('kid')],
        'partial IV': [6, Buffer.from('x')],
        x5t: [34, [-16, Buffer.alloc(32)]],
        null: ['com.example', { raw: Buffer.of(0xf6) }],
        true: ['com.example', true],
        'a map in a map': ['com.example', new Map([[1, new Map([['a', [1]]])]])],
      }),
    },
    build: ({ attribute: [label, value] }, given) =>
      world(given, { signature: { format: 'cose', attributes: new Map([[label, value]]) } }),
  }),
  kind({
    name: 'COSE attribute that is malformed',
    parameters: {
      value: {
        'a label twice': Buffer.from([0xa2, 1, 1, 1, 2]),
        'no UTF-8': Buffer.from([0x61, 0xff]),
        'text of indefinite length': Buffer.from([0x7f, 0x61, 0x61, 0xff]),
      },
    },
    build: ({ value }, given) => {
      const attributes = new Map([['com.example', { raw: value }]]);
      return world(given, { fault: 'integrity', signature: { format: 'cose', attributes } });
    },
  }),
  kind({
    name: 'COSE attribute of a rare type',
    parameters: {
      value: values<CborInput>({
        undefined: { raw: Buffer.of(0xf7) },
        'half a float': { raw: Buffer.from([0xf9, 0x3c, 0]) },
        'a single float': { raw: Buffer.from([0xfa, 0x3f, 0x80, 0, 0]) },
        'not a number': { raw: Buffer.from([0xf9, 0x7e, 0]) },
        'a simple value': { raw: Buffer.of(0xf0) },
        'a UUID': { tag: 37, value: Buffer.alloc(16) },
        'a time as text': { tag: 0, value: '2026-01-01T00:00:00Z' },
        'bytes for a label': { raw: Buffer.from([0xa1, 0x41, 0x61, 1]) },
        'twenty levels': { raw: Buffer.concat([Buffer.alloc(20, 0x81), Buffer.of(1)]) },
      }),
    },
    build: ({ value }, given) => {
      const attributes = new Map([['com.example', value]]);
      return world(given, { fault: 'integrity', signature: { format: 'cose', attributes } });
    },
  }),
  kind({
    name: 'header that is not used, of another type than its own',
    parameters: {
      header: values<Parameters<typeof unusedHeader>[0]>({
        'kid, protected': { format: 'cose', attributes: new Map([[4, 'kid']]) },
        'IV, protected': { format: 'cose', attributes: new Map([[5, 'x']]) },
        'countersignature, protected': {
          format: 'cose',
          attributes: new Map([[7, Buffer.from('x')]]),
        },
        'type, protected': { format: 'cose', attributes: new Map([[16, 'x']]) },
        'integer beyond 63 bits': {
          format: 'cose',
          attributes: new Map([['com.example', 2n ** 64n - 1n]]),
        },
        'kid, unprotected': { format: 'cose', unsigned: new Map([[4, 'kid']]) },
        'signing agent in JWS': {
          format: 'jws',
          unsigned: new Map([['io.cncf.notary.signingAgent', 5]]),
        },
        'X5C beside x5c': { format: 'jws', unsigned: new Map([['X5C', []]]) },
      }),
    },
    build: ({ header }, given) => world(given, { signature: unusedHeader(header) }),
  }),
  kind({
    name: 'timestamp header of another type',
    parameters: {
      header: values<readonly ['jws' | 'cose', CborInput]>({
        'text in COSE': ['cose', 'x'],
        'null in COSE': ['cose', null],
        'null in JWS': ['jws', null],
      }),
    },
    build: ({ header: [format, value] }, given) => {
      const unsigned = new Map([['io.cncf.notary.timestampSignature', value]]);
      return world(given, { fault: 'integrity', signature: { format, unsigned } });
    },
  }),
];

/** One entry, whatever its format. */
function unusedHeader(header: {
  readonly format: 'jws' | 'cose';
  readonly attributes?: ReadonlyMap<string | number, CborInput>;
  readonly unsigned?: ReadonlyMap<string | number, CborInput>;
}) {
  return header;
}

function extension(oid: string, value: Uint8Array, critical = false): CertificateOptions {
  return { extensions: [{ oid, critical, value }] };
}

function uri(url: string): Buffer {
  return der(0x86, Buffer.from(url));
}

/** A leaf whose one name is this string. */
function named(value: Uint8Array): CertificateOptions {
  return { subjectDer: sequence(der(0x31, sequence(COMMON_NAME, value))) };
}

/** A leaf in which the first such bytes are others, signed anew by its CA. */
function edited(
  from: Uint8Array,
  to: Uint8Array,
  options: CertificateOptions = {},
): TestCertificate {
  const leaf = leafWith(options);
  // Both heads are of four octets: certificates have between 256 and 65,535.
  const content = leaf.der.subarray(8, 8 + leaf.der.readUInt16BE(6));
  const at = content.indexOf(from);
  if (at < 0) throw new TypeError('expected the bytes to be edited, found none');
  const rest = content.subarray(at + from.length);
  const encoded = signCertificate(
    sequence(content.subarray(0, at), to, rest),
    'ecdsa-sha256',
    CA.root.key,
  );
  return { ...leaf, der: encoded, chain: [encoded, ...leaf.chain.slice(1)] };
}

function textEdited(edit: Edit): (bytes: Buffer) => Buffer {
  return (bytes) => Buffer.from(edit(bytes.toString('utf8')));
}
