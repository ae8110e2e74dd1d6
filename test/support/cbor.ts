// A CBOR writer for test envelopes; `raw` puts in any octets where a well-formed item would stand.

export type CborInput =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborInput[]
  | ReadonlyMap<CborInput, CborInput>
  | { readonly tag: number; readonly value: CborInput }
  | { readonly raw: Uint8Array };

/** Encodes with definite lengths and shortest heads; map entries in the order given. */
export function cbor(value: CborInput): Buffer {
  if (typeof value === 'string') {
    const text = Buffer.from(value, 'utf8');
    return Buffer.concat([head(3, text.length), text]);
  }
  if (typeof value === 'boolean') return Buffer.from([value ? 0xf5 : 0xf4]);
  if (value === null) return Buffer.from([0xf6]);
  if (typeof value === 'number' || typeof value === 'bigint') return number(value);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<CborInput, CborInput>)];
    return Buffer.concat([head(5, entries.length), ...entries.flat().map((item) => cbor(item))]);
  }
  if (isArray(value)) {
    return Buffer.concat([head(4, value.length), ...value.map((item) => cbor(item))]);
  }
  if ('raw' in value) return Buffer.from(value.raw);
  if ('tag' in value) return Buffer.concat([head(6, value.tag), cbor(value.value)]);
  throw new TypeError('not a CBOR value');
}

/** The initial octets of an item: major type and argument. */
export function head(major: number, argument: number | bigint): Buffer {
  const first = major << 5;
  if (argument < 24) return Buffer.from([first + Number(argument)]);
  if (argument < 0x100) return Buffer.from([first + 24, Number(argument)]);
  const octets = Buffer.alloc(9);
  if (argument < 0x10000) {
    octets[0] = first + 25;
    octets.writeUInt16BE(Number(argument), 1);
    return octets.subarray(0, 3);
  }
  if (argument < 0x100000000) {
    octets[0] = first + 26;
    octets.writeUInt32BE(Number(argument), 1);
    return octets.subarray(0, 5);
  }
  octets[0] = first + 27;
  octets.writeBigUInt64BE(BigInt(argument), 1);
  return octets;
}

function number(value: number | bigint): Buffer {
  if (typeof value === 'number' && !Number.isInteger(value)) {
    const octets = Buffer.alloc(9, 0xfb);
    octets.writeDoubleBE(value, 1);
    return octets;
  }
  const integer = BigInt(value);
  return integer >= 0n ? head(0, integer) : head(1, -1n - integer);
}

function isArray(value: CborInput): value is readonly CborInput[] {
  return Array.isArray(value);
}
