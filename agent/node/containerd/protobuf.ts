// Protocol Buffers messages to objects and back, by the tables of their fields.
import { AgentError } from '../../errors.ts';
import { type Field, message, type MessageType, type Nested, text } from './fields.ts';
import { BLOCK, encodeBlock, type Tag, VARINT, WireReader } from './wire.ts';

/** Message types by their full names, such as `containerd.types.Descriptor`. */
export type MessageTypes = ReadonlyMap<string, Shape>;

/** A message type with the types of its fields. */
interface Shape {
  readonly members: readonly Member[];
  readonly byId: ReadonlyMap<number, Member>;
}

interface Member {
  readonly name: string;
  readonly field: Field;
  /** Of a field whose type is a message. */
  readonly shape: Shape | undefined;
}

/** Protocol Buffers' own types that are read, with the value of a field that is not there. */
const ABSENT: Readonly<Record<string, unknown>> = {
  ...{ string: '', bytes: Buffer.alloc(0), int64: '0', uint64: '0', int32: 0, bool: false },
};

type Decoded = Record<string, unknown>;

/** An entry of a map, of which there are only maps of text to text. */
const ENTRY = shapeOf(new Map([['Entry', message({ key: text(1), value: text(2) })]]), 'Entry');

/** Every message type in `nested`, none of which may hold itself. */
export function messageTypes(nested: Nested): MessageTypes {
  const tables = new Map(tablesOf(nested, ''));
  return new Map([...tables.keys()].map((name) => [name, shapeOf(tables, name)]));
}

function tablesOf(nested: Nested, prefix: string): [string, MessageType][] {
  return Object.entries(nested).flatMap(([name, one]): [string, MessageType][] => {
    if ('nested' in one) return tablesOf(one.nested, `${prefix}${name}.`);
    return 'fields' in one ? [[`${prefix}${name}`, one]] : [];
  });
}

function shapeOf(tables: ReadonlyMap<string, MessageType>, name: string): Shape {
  const prefix = name.slice(0, name.lastIndexOf('.') + 1);
  const fields = Object.entries(tables.get(name)?.fields ?? {});
  const members = fields.map(([member, field]): Member => {
    const inner = [`${prefix}${field.type}`, field.type].find((type) => tables.has(type));
    const shape = inner === undefined ? undefined : shapeOf(tables, inner);
    if (shape === undefined && !(field.type in ABSENT))
      throw new TypeError(`no type ${field.type}`);
    return { name: member, field, shape };
  });
  return { members, byId: new Map(members.map((member) => [member.field.id, member])) };
}

/**
 * Decodes a message. Fields that are not there have the values that Protocol Buffers give them, a
 * message null; 64-bit integers are decimal strings; text that is not UTF-8 has U+FFFD where it is
 * not; fields that are not known are passed over. Throws `containerd_failed` for bytes that are not
 * a message of this type.
 */
export function decodeMessage(types: MessageTypes, type: string, bytes: Buffer): unknown {
  return decode(shapeNamed(types, type), bytes);
}

// As deep as the tables go, which no message can change.
function decode({ members, byId }: Shape, bytes: Buffer): Decoded {
  const decoded: Decoded = {};
  for (const member of members) decoded[member.name] = absent(member);
  const reader = new WireReader(bytes);
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    const member = byId.get(tag.id);
    if (member === undefined) reader.skip(tag.wireType);
    else put(decoded, member, reader, tag);
  }
  return decoded;
}

function put(decoded: Decoded, member: Member, reader: WireReader, tag: Tag): void {
  const { name, field } = member;
  if (field.keyType !== undefined) {
    const { key, value } = decode(ENTRY, blockOf(member, reader, tag));
    (decoded[name] as Record<string, unknown>)[key as string] = value;
  } else if (field.rule === 'repeated') {
    (decoded[name] as unknown[]).push(valueOf(member, reader, tag));
  } else {
    decoded[name] = valueOf(member, reader, tag);
  }
}

function absent({ field, shape }: Member): unknown {
  // Keys are whatever somebody labelled an image with, `__proto__` for one.
  if (field.keyType !== undefined) return Object.create(null);
  if (field.rule === 'repeated') return [];
  return shape === undefined ? ABSENT[field.type] : null;
}

function valueOf(member: Member, reader: WireReader, tag: Tag): unknown {
  const { field, shape } = member;
  switch (field.type) {
    case 'string':
      return blockOf(member, reader, tag).toString();
    case 'bytes':
      return blockOf(member, reader, tag);
    case 'int64':
      return String(BigInt.asIntN(64, longOf(member, reader, tag)));
    case 'uint64':
      return String(longOf(member, reader, tag));
    case 'int32':
      return Number(BigInt.asIntN(32, longOf(member, reader, tag)));
    case 'bool':
      return longOf(member, reader, tag) !== 0n;
  }
  if (shape === undefined) throw new TypeError(`no type ${field.type}`);
  return decode(shape, blockOf(member, reader, tag));
}

function blockOf(member: Member, reader: WireReader, tag: Tag): Buffer {
  assertWireType(member, tag, BLOCK);
  return reader.block();
}

function longOf(member: Member, reader: WireReader, tag: Tag): bigint {
  assertWireType(member, tag, VARINT);
  return reader.long();
}

function assertWireType({ name, field }: Member, { wireType }: Tag, expected: number): void {
  if (wireType === expected) return;
  throw new AgentError(
    'containerd_failed',
    `message: ${name}: expected wire type ${expected} of a ${field.type}, found ${wireType}`,
  );
}

/** Encodes a message of texts, lists of texts and messages of such: requests hold nothing else. */
export function encodeMessage(types: MessageTypes, type: string, values: object): Buffer {
  return encode(shapeNamed(types, type), values);
}

function encode({ members }: Shape, message: object): Buffer {
  const values = new Map<string, unknown>(Object.entries(message));
  const blocks = members.flatMap(({ name, field, shape }) => {
    const value = values.get(name);
    if (value === undefined) return [];
    const all = Array.isArray(value) ? (value as unknown[]) : [value];
    return all.map((one) => encodeBlock(field.id, bytesOf(one, shape)));
  });
  return Buffer.concat(blocks);
}

function bytesOf(value: unknown, shape: Shape | undefined): Buffer {
  if (typeof value === 'string') return Buffer.from(value);
  if (shape === undefined || typeof value !== 'object' || value === null) {
    throw new TypeError(`expected text or a message, found ${typeof value}`);
  }
  return encode(shape, value);
}

function shapeNamed(types: MessageTypes, type: string): Shape {
  const shape = types.get(type);
  if (shape === undefined) throw new TypeError(`no message ${type}`);
  return shape;
}
