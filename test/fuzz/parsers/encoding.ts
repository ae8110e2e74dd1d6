// The encodings: JSON, CBOR, DER, PEM, base64, times and versions.
import { decodeBase64, decodeBase64url } from '../../../agent/notation/encoding/base64.ts';
import { decodeCbor } from '../../../agent/notation/encoding/cbor.ts';
import { DER_TAGS, type DerElement, DerReader } from '../../../agent/notation/encoding/der.ts';
import {
  decodeBitString,
  decodeBoolean,
  decodeInteger,
  decodeObjectIdentifier,
  decodeText,
  decodeTime,
} from '../../../agent/notation/encoding/der-value.ts';
import { JsonPlaces } from '../../../agent/notation/encoding/json-places.ts';
import { parseStrictJson } from '../../../agent/notation/encoding/json.ts';
import { decodePemCertificates } from '../../../agent/notation/encoding/pem.ts';
import { parseRfc3339 } from '../../../agent/notation/encoding/rfc3339.ts';
import { parseSemVer } from '../../../agent/notation/encoding/semver.ts';
import { createCa } from '../../support/ca.ts';
import { cbor, type CborInput } from '../../support/cbor.ts';
import {
  bitString,
  boolean,
  der,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  time,
  utf8String,
} from '../../support/der.ts';
import type { Reader } from '../fuzz.ts';
import { ofText, pem, texts } from '../text.ts';

const FAULT = { what: 'input', code: 'envelope_invalid' } as const;
const JSON_SEEDS = [
  '{"a":1,"b":[true,false,null,-1.5e3,"\\u00e9\\n"],"c":{"d":{},"e":[]}}',
  '[{"size":528,"digest":"sha256:00"},"\\ud83d\\ude00",0.5]',
  ' "text" ',
];

export const ENCODING_READERS: readonly Reader[] = [
  {
    name: 'strict JSON',
    seeds: () => texts(...JSON_SEEDS),
    read: (bytes) => parseStrictJson(bytes, { ...FAULT, maxBytes: 1 << 20 }),
  },
  {
    name: 'strict JSON with places',
    seeds: () => texts(...JSON_SEEDS),
    read: (bytes) =>
      parseStrictJson(bytes, { ...FAULT, maxBytes: 1 << 20, places: new JsonPlaces() }),
  },
  {
    name: 'CBOR',
    seeds: () => [
      cbor(
        new Map<CborInput, CborInput>([
          [1, -7],
          ['a', [true, null, 1.5, 'text']],
        ]),
      ),
      cbor({ tag: 1, value: 1_767_323_045 }),
      cbor([Buffer.alloc(40), 2n ** 64n - 1n, -1_000_000, new Map()]),
    ],
    read: (bytes) => decodeCbor(bytes, { ...FAULT, tags: [1] }),
  },
  {
    name: 'DER',
    seeds: () => [
      sequence(
        ...[integer(65_537), boolean(true), nullValue(), octetString(Buffer.alloc(200))],
        ...[objectIdentifier('1.2.840.113549.1.1.11'), bitString(Buffer.of(0xa0), 5)],
        ...[utf8String('text'), time(new Date(0)), time(new Date('2050-01-01T00:00:00Z'))],
        ...[der(0x1e, Buffer.from('0041', 'hex')), sequence(sequence(), der(0x31))],
      ),
    ],
    read: (bytes) => readAll(new DerReader(bytes, FAULT.what, FAULT.code)),
  },
  {
    name: 'PEM',
    seeds: () => {
      const blocks = createCa().issue().chain.map(pem);
      return [Buffer.concat(blocks), Buffer.from(`text\n${String(blocks[0])}\r\n`)];
    },
    read: (bytes) => decodePemCertificates(bytes, FAULT),
  },
  {
    name: 'base64',
    seeds: () => texts('AAECAwQ=', 'AA==', 'AAEC', ''),
    read: ofText((text) => decodeBase64(text, FAULT)),
  },
  {
    name: 'base64url',
    seeds: () => texts('AAECAwQ', '-_-_', ''),
    read: ofText((text) => decodeBase64url(text, FAULT)),
  },
  {
    name: 'RFC 3339',
    seeds: () =>
      texts(
        '2026-01-02T03:04:05Z',
        '2026-01-02T03:04:05.123456+02:30',
        '2024-02-29T00:00:00-00:00',
      ),
    read: ofText((text) => parseRfc3339(text, FAULT)),
  },
  {
    name: 'semantic version',
    seeds: () => texts('1.2.3', '1.0.0-alpha.1+build.5', '0.0.0-0'),
    read: ofText((text) => parseSemVer(text, FAULT)),
  },
];

/** Everything, as deep as it goes. */
function readAll(reader: DerReader): number {
  let count = 0;
  while (reader.peek() !== undefined) {
    const element = reader.readAny('element');
    decode(element);
    count += 1 + ((element.tag & 0x20) === 0 ? 0 : readAll(reader.open(element)));
  }
  return count;
}

const DECODERS = new Map<number, (element: DerElement) => unknown>([
  [DER_TAGS.boolean, decodeBoolean],
  [DER_TAGS.integer, decodeInteger],
  [DER_TAGS.bitString, decodeBitString],
  [DER_TAGS.objectIdentifier, decodeObjectIdentifier],
  [DER_TAGS.utcTime, decodeTime],
  [DER_TAGS.generalizedTime, decodeTime],
]);
const STRINGS = new Set([0x0c, 0x12, 0x13, 0x14, 0x16, 0x1c, 0x1e]);

function decode(element: DerElement): unknown {
  return STRINGS.has(element.tag) ? decodeText(element) : DECODERS.get(element.tag)?.(element);
}
