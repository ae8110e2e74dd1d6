// D-Bus values and messages as bytes, in both byte orders: the other half of what the agent only reads.

/** As the agent decodes them: dictionaries are arrays of pairs, variants bring their signature. */
export type Encodable =
  | number
  | bigint
  | boolean
  | string
  | { readonly signature: string; readonly value: Encodable }
  | readonly Encodable[];

export interface EncodedMessage {
  readonly kind: 1 | 2 | 3 | 4;
  readonly serial?: number;
  /** Code, signature and value of each header field. */
  readonly fields?: readonly (readonly [number, string, Encodable])[];
  readonly signature?: string;
  readonly values?: readonly Encodable[];
  readonly littleEndian?: boolean;
}

/** A whole message. */
export function encodeMessage(message: EncodedMessage): Buffer {
  const {
    kind,
    serial = 1,
    fields = [],
    signature = '',
    values = [],
    littleEndian = true,
  } = message;
  const body = encodeValues(signature, values, littleEndian);
  const all = signature === '' ? fields : [...fields, [8, 'g', signature] as const];
  const list = all.map(([code, type, value]) => [code, { signature: type, value }]);
  const head = encodeValues(
    'yyyyuua(yv)',
    [littleEndian ? 0x6c : 0x42, kind, 0, 1, body.length, serial, list],
    littleEndian,
  );
  return Buffer.concat([head, Buffer.alloc(-head.length & 7), body]);
}

/** The values that a signature names. */
export function encodeValues(
  signature: string,
  values: readonly Encodable[],
  littleEndian = true,
): Buffer {
  const bytes: number[] = [];
  types(signature).forEach((type, index) => write(bytes, type, values[index] ?? 0, littleEndian));
  return Buffer.from(bytes);
}

/** The complete types of a signature, each as text. */
export function types(signature: string): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at < signature.length; at += found.at(-1)?.length ?? 1) {
    found.push(signature.slice(at, endOf(signature, at)));
  }
  return found;
}

function endOf(signature: string, at: number): number {
  const code = signature[at];
  if (code === 'a') return endOf(signature, at + 1);
  if (code !== '(' && code !== '{') return at + 1;
  let end = at + 1;
  while (signature[end] !== ')' && signature[end] !== '}') end = endOf(signature, end);
  return end + 1;
}

const ALIGNMENT: Readonly<Record<string, number>> = {
  n: 2,
  q: 2,
  b: 4,
  i: 4,
  u: 4,
  h: 4,
  s: 4,
  o: 4,
  a: 4,
  x: 8,
  t: 8,
  d: 8,
  '(': 8,
  '{': 8,
};

function write(bytes: number[], type: string, value: Encodable, little: boolean): void {
  const code = type.charAt(0);
  pad(bytes, ALIGNMENT[code] ?? 1);
  if (code === 'a') writeArray(bytes, type.slice(1), value as readonly Encodable[], little);
  else if (code === '(' || code === '{') {
    const members = value as readonly Encodable[];
    types(type.slice(1, -1)).forEach((inner, index) =>
      write(bytes, inner, members[index] ?? 0, little),
    );
  } else if (code === 'v') {
    const variant = value as { signature: string; value: Encodable };
    write(bytes, 'g', variant.signature, little);
    write(bytes, variant.signature, variant.value, little);
  } else if (code === 'g') {
    const text = Buffer.from(value as string);
    bytes.push(text.length, ...text, 0);
  } else if (code === 's' || code === 'o') {
    const text = Buffer.from(value as string);
    bytes.push(...scalar('u', text.length, little), ...text, 0);
  } else bytes.push(...scalar(code, value as number | bigint | boolean, little));
}

function writeArray(
  bytes: number[],
  type: string,
  values: readonly Encodable[],
  little: boolean,
): void {
  const at = bytes.length;
  bytes.push(0, 0, 0, 0);
  pad(bytes, ALIGNMENT[type.charAt(0)] ?? 1);
  const start = bytes.length;
  for (const value of values) write(bytes, type, value, little);
  bytes.splice(at, 4, ...scalar('u', bytes.length - start, little));
}

function pad(bytes: number[], to: number): void {
  while (bytes.length % to !== 0) bytes.push(0);
}

function scalar(code: string, value: number | bigint | boolean, little: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  const number = Number(value);
  const sizes: Readonly<Record<string, () => number>> = {
    y: () => (view.setUint8(0, number), 1),
    n: () => (view.setInt16(0, number, little), 2),
    q: () => (view.setUint16(0, number, little), 2),
    i: () => (view.setInt32(0, number, little), 4),
    x: () => (view.setBigInt64(0, BigInt(value), little), 8),
    t: () => (view.setBigUint64(0, BigInt(value), little), 8),
    d: () => (view.setFloat64(0, number, little), 8),
  };
  const size = sizes[code]?.() ?? (view.setUint32(0, number, little), 4);
  return new Uint8Array(view.buffer, 0, size);
}
