// Ways to change bytes of any format, each drawn from what fast-check gives it.
import fc from 'fast-check';

export type Edit = (bytes: Buffer) => Buffer;

/** Where in bytes of any length something happens: taken modulo that length. */
const place = fc.nat(0xff_ffff);

/** What lengths, counts and text readers stumble over, in one format or another. */
const AWKWARD: readonly Buffer[] = [
  ...['00', '7f', '80', 'ff', '81ff', '82ffff', '847fffffff', '84ffffffff', '88ffffffffffffffff'],
  ...['1f', '1b7fffffffffffffff', '5affffffff', '5b0000000100000000', '9bffffffffffffffff'],
  ...['9f', 'bf', 'c1', 'd9d9f7', 'f97e00', 'fb7ff0000000000000', '3080', '0500', 'a000', '0000'],
  ...['efbbbf', 'c080', 'eda080', 'f4908080', '0d0a', '0a', '09', '5c75', '22', '5c', '2b', '3d23'],
].map((hex) => Buffer.from(hex, 'hex'));

/** Values to stand in the place of any value of a JSON document. */
const JSON_VALUES: readonly string[] = [
  ...['null', 'true', '{}', '[]', '""', '0', '-0', '-1', '1e999', '9007199254740993', '0.1', '1E2'],
  ...['"\\ud800"', '"\\u0000"', '"__proto__"', '"*"', '"1.0"', '[null]', '{"__proto__":{}}'],
  nested('[', ']', 20),
  nested('[', ']', 20_000),
  nested('{"a":', '}', 10_000, '1'),
  JSON.stringify('x'.repeat(100_000)),
];
const JSON_TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/g;

/** One change; `others` are what may be spliced in. */
export function edits(others: readonly Buffer[]): fc.Arbitrary<Edit> {
  return fc.oneof(
    fc.tuple(place, fc.nat(7)).map(([at, bit]) => flipped(at, bit)),
    fc.tuple(place, fc.nat(0xff)).map(([at, byte]) => replaced(at, 1, Buffer.of(byte))),
    place.map(
      (at): Edit =>
        (bytes) =>
          bytes.subarray(0, at % (bytes.length + 1)),
    ),
    fc.tuple(place, fc.nat(16)).map(([at, count]) => replaced(at, count, Buffer.alloc(0))),
    fc
      .tuple(place, fc.uint8Array({ minLength: 1, maxLength: 8 }))
      .map(([at, chunk]) => replaced(at, 0, Buffer.from(chunk))),
    fc
      .tuple(place, fc.constantFrom(...AWKWARD), fc.boolean())
      .map(([at, chunk, over]) => replaced(at, over ? chunk.length : 0, chunk)),
    fc
      .tuple(place, fc.integer({ min: 1, max: 64 }), fc.oneof(fc.nat(4), fc.nat(2000)))
      .map(([at, length, times]) => repeated(at, length, times)),
    fc
      .tuple(place, place, fc.nat(Math.max(0, others.length - 1)))
      .map(([at, from, index]) => spliced(at, from, others[index])),
    fc.tuple(place, fc.constantFrom(...JSON_VALUES)).map(([at, value]) => withJson(at, value)),
    fc.tuple(place, place).map(([at, from]) => withTokenTwice(at, from)),
  );
}

function flipped(at: number, bit: number): Edit {
  return (bytes) => {
    const copy = Buffer.from(bytes);
    const index = at % Math.max(1, copy.length);
    if (index < copy.length) copy[index] = (copy[index] ?? 0) ^ (1 << bit);
    return copy;
  };
}

function replaced(at: number, count: number, by: Uint8Array): Edit {
  return (bytes) => {
    const index = at % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, index), by, bytes.subarray(index + count)]);
  };
}

function repeated(at: number, length: number, times: number): Edit {
  return (bytes) => {
    const index = at % (bytes.length + 1);
    const chunk = bytes.subarray(index, index + length);
    const copies = Array.from({ length: times }, () => chunk);
    return Buffer.concat([bytes.subarray(0, index), ...copies, bytes.subarray(index)]);
  };
}

function spliced(at: number, from: number, other: Buffer = Buffer.alloc(0)): Edit {
  return (bytes) =>
    Buffer.concat([
      bytes.subarray(0, at % (bytes.length + 1)),
      other.subarray(from % (other.length + 1)),
    ]);
}

/** Puts a value in the place of a string, number or word of JSON, so that the rest stays well-formed. */
function withJson(at: number, value: string): Edit {
  return (bytes) => {
    const text = bytes.toString('utf8');
    const tokens = [...text.matchAll(JSON_TOKEN)];
    const token = tokens[at % Math.max(1, tokens.length)];
    if (token === undefined) return bytes;
    const end = token.index + token[0].length;
    return Buffer.from(text.slice(0, token.index) + value + text.slice(end));
  };
}

/** One string, number or word of a text in the place of another: members twice, values exchanged. */
function withTokenTwice(at: number, from: number): Edit {
  return (bytes) => {
    const tokens = bytes.toString('utf8').match(JSON_TOKEN) ?? [];
    const token = tokens[from % Math.max(1, tokens.length)];
    return token === undefined ? bytes : withJson(at, token)(bytes);
  };
}

function nested(open: string, close: string, depth: number, inside = ''): string {
  return open.repeat(depth) + inside + close.repeat(depth);
}
