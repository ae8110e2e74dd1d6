// Protobuf written by hand, to check field numbers against.

/** A field of a type that has a length: a text, or a message of fields. Up to 16 KiB. */
export function protoField(number: number, value: string | readonly Buffer[]): Buffer {
  const body = typeof value === 'string' ? Buffer.from(value) : Buffer.concat([...value]);
  const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), body]);
}
