// D-Bus messages: method calls to bytes, and what comes back from bytes. D-Bus Specification, "Message Protocol".
import { decodeValues, type DbusValue, malformed } from './values.ts';

/** A method call whose arguments, if any, are strings: systemd's that we make take no others. */
export interface MethodCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly strings: readonly string[];
}

/** What a peer sent; its values are decoded when asked for. */
export interface Message {
  readonly kind: 'call' | 'return' | 'error' | 'signal';
  /** The serial of the call that this answers. */
  readonly replySerial: number | null;
  readonly path: string | null;
  readonly interface: string | null;
  readonly member: string | null;
  readonly errorName: string | null;
  /** Throws `systemd_failed`. */
  values(): readonly DbusValue[];
}

/** The part of a message that says how long it is. */
export const PREAMBLE_BYTES = 16;

/** systemd's largest, all properties of a unit, has some 20 KB; we ask for them one by one. */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

const PROTOCOL_VERSION = 1;
const LITTLE_ENDIAN = 0x6c; // l
const BIG_ENDIAN = 0x42; // B

/** Header fields by name; "Header Fields". */
const FIELD = {
  path: 1,
  interface: 2,
  member: 3,
  errorName: 4,
  replySerial: 5,
  destination: 6,
  signature: 8,
};
const KINDS = [null, 'call', 'return', 'error', 'signal'] as const;

/** The bytes of a call. `serial` is a number above 0 that no other call under way has. */
export function encodeCall(call: MethodCall, serial: number): Uint8Array {
  const body = new Writer();
  for (const text of call.strings) body.string(text);
  const header = new Writer();
  header.bytes([LITTLE_ENDIAN, KINDS.indexOf('call'), 0, PROTOCOL_VERSION]);
  header.uint32(body.length);
  header.uint32(serial);
  const fields = new Writer();
  fields.field(FIELD.path, 'o', call.path);
  fields.field(FIELD.interface, 's', call.interface);
  fields.field(FIELD.member, 's', call.member);
  fields.field(FIELD.destination, 's', call.destination);
  if (call.strings.length > 0) fields.field(FIELD.signature, 'g', 's'.repeat(call.strings.length));
  header.uint32(fields.length);
  header.bytes(fields.take());
  header.align(8);
  return Buffer.concat([header.take(), body.take()]);
}

/** The length of the message that begins with these `PREAMBLE_BYTES`. Throws `systemd_failed`. */
export function messageLength(preamble: Uint8Array): number {
  const view = viewOf(preamble);
  const littleEndian = isLittleEndian(preamble);
  if (view.getUint8(3) !== PROTOCOL_VERSION)
    throw malformed('protocol version 1', view.getUint8(3));
  const fieldBytes = view.getUint32(12, littleEndian);
  const length = bodyStart(fieldBytes) + view.getUint32(4, littleEndian);
  if (length > MAX_MESSAGE_BYTES) {
    throw malformed(`a message of at most ${MAX_MESSAGE_BYTES} bytes`, `${length}`);
  }
  return length;
}

/** Decodes a message of just that length. Throws `systemd_failed`. */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length < PREAMBLE_BYTES || messageLength(bytes) !== bytes.length) {
    throw malformed('one whole message', `${bytes.length} bytes`);
  }
  const littleEndian = isLittleEndian(bytes);
  const start = bodyStart(viewOf(bytes).getUint32(12, littleEndian));
  const kind = KINDS[viewOf(bytes).getUint8(1)] ?? null;
  if (kind === null) throw malformed('a message of a known kind', viewOf(bytes).getUint8(1));
  const fields = decodeFields(bytes.subarray(PREAMBLE_BYTES - 8, start), littleEndian);
  const signature = fields.text('signature', 'g') ?? '';
  return {
    kind,
    replySerial: fields.number('replySerial'),
    path: fields.text('path', 'o'),
    interface: fields.text('interface', 's'),
    member: fields.text('member', 's'),
    errorName: fields.text('errorName', 's'),
    values: () => decodeValues(bytes.subarray(start), signature, littleEndian),
  };
}

/** Of each field the last; which kinds of message need which is for who reads them. */
function decodeFields(bytes: Uint8Array, littleEndian: boolean) {
  // The array stands after the serial, which keeps its alignment; what fills up to the body is zeros.
  const end = 8 + viewOf(bytes).getUint32(4, littleEndian);
  const [, list] = decodeValues(bytes.subarray(0, end), 'ua(yv)', littleEndian);
  if (bytes.subarray(end).some((byte) => byte !== 0)) throw malformed('zeros', 'other bytes');
  const found = new Map<number, { signature: string; value: DbusValue }>();
  for (const field of list as readonly [number, { signature: string; value: DbusValue }][]) {
    found.set(field[0], field[1]);
  }
  const read = (name: keyof typeof FIELD, type: string): DbusValue | null => {
    const field = found.get(FIELD[name]);
    if (field === undefined) return null;
    if (field.signature !== type) throw malformed(`a ${name} of type ${type}`, field.signature);
    return field.value;
  };
  return {
    text: (name: keyof typeof FIELD, type: 's' | 'o' | 'g') => read(name, type) as string | null,
    number: (name: keyof typeof FIELD) => read(name, 'u') as number | null,
  };
}

/** The body begins at the next multiple of 8 after the header fields. */
function bodyStart(fieldBytes: number): number {
  return Math.ceil((PREAMBLE_BYTES + fieldBytes) / 8) * 8;
}

function isLittleEndian(bytes: Uint8Array): boolean {
  const mark = bytes[0];
  if (mark !== LITTLE_ENDIAN && mark !== BIG_ENDIAN) throw malformed('a byte order', mark);
  return mark === LITTLE_ENDIAN;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Little-endian bytes, aligned from their own start. */
class Writer {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  take(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  bytes(bytes: Iterable<number>): void {
    for (const byte of bytes) this.#bytes.push(byte);
  }

  align(to: number): void {
    while (this.#bytes.length % to !== 0) this.#bytes.push(0);
  }

  uint32(value: number): void {
    this.align(4);
    for (const shift of [0, 8, 16, 24]) this.#bytes.push((value >>> shift) & 0xff);
  }

  string(text: string): void {
    const bytes = Buffer.from(text);
    this.uint32(bytes.length);
    this.bytes(bytes);
    this.bytes([0]);
  }

  /** A struct of a byte and a variant. */
  field(code: number, type: 's' | 'o' | 'g', text: string): void {
    this.align(8);
    this.bytes([code, 1, type.charCodeAt(0), 0]);
    if (type !== 'g') {
      this.string(text);
      return;
    }
    this.bytes([text.length, ...Buffer.from(text), 0]);
  }
}
