// D-Bus messages: ours are read as they were meant, and a peer's are read or refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeMessage,
  encodeCall,
  MAX_MESSAGE_BYTES,
  messageLength,
} from '../../../../agent/node/host/dbus/message.ts';
import { encodeMessage } from '../../../support/dbus-encode.ts';
import { expectCode } from '../../../support/expect-code.ts';
import { valueOrAgentError } from '../../../support/only-agent-errors.ts';

const CALL = { destination: 'org.a', path: '/a', interface: 'org.a.B', member: 'C', strings: [] };
const SIGNAL = encodeMessage({
  kind: 4,
  fields: [
    [1, 'o', '/a'],
    [2, 's', 'org.a.B'],
    [3, 's', 'Gone'],
    [200, 'a{sv}', []],
  ],
  signature: 'su',
  values: ['x', 7],
});

describe('a message of D-Bus', () => {
  it('is read as it was written, whatever the strings', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
    const property = fc.property(fc.array(text, { maxLength: 5 }), fc.nat(), (strings, serial) => {
      const bytes = encodeCall({ ...CALL, strings }, serial);
      expect(messageLength(bytes)).toBe(bytes.length);
      const message = decodeMessage(bytes);
      expect(message).toMatchObject({
        kind: 'call',
        path: '/a',
        interface: 'org.a.B',
        member: 'C',
      });
      expect(message.values()).toEqual(strings);
    });
    fc.assert(property);
  });

  it('is what the specification says, byte by byte', () => {
    const field = (code: number, type: string, text: string) => [[code, type, text] as const];
    const expected = encodeMessage({
      kind: 1,
      serial: 3,
      fields: [
        ...field(1, 'o', '/a'),
        ...field(2, 's', 'org.a.B'),
        ...field(3, 's', 'C'),
        ...field(6, 's', 'org.a'),
      ],
      signature: 's',
      values: ['hello'],
    });
    expect(Buffer.from(encodeCall({ ...CALL, strings: ['hello'] }, 3))).toEqual(expected);
  });

  it.each([true, false])('is read in either byte order (little endian: %s)', (littleEndian) => {
    const bytes = encodeMessage({
      kind: 2,
      fields: [[5, 'u', 9]],
      signature: 'as',
      values: [['a', 'b']],
      littleEndian,
    });
    const message = decodeMessage(bytes);
    expect(message).toMatchObject({ kind: 'return', replySerial: 9, member: null });
    expect(message.values()).toEqual([['a', 'b']]);
  });

  it('may have fields that nobody knows, and no values', () => {
    expect(decodeMessage(SIGNAL)).toMatchObject({
      kind: 'signal',
      member: 'Gone',
      replySerial: null,
    });
    expect(decodeMessage(encodeMessage({ kind: 2, fields: [[5, 'u', 1]] })).values()).toEqual([]);
  });

  it.each([
    ['another byte order', { 0: 0x61 }],
    ['another version', { 3: 2 }],
    ['kind 0', { 1: 0 }],
    ['kind 5', { 1: 5 }],
    ['a body that is longer', { 4: 99 }],
    ['header fields that are longer', { 12: 0xff }],
  ])('is refused with %s', (_, change: Readonly<Record<number, number>>) => {
    const bytes = Buffer.from(SIGNAL);
    for (const [at, byte] of Object.entries(change)) bytes[Number(at)] = byte;
    expectCode(() => decodeMessage(bytes), 'systemd_failed');
  });

  it('is refused with a field of another type', () => {
    const bytes = encodeMessage({ kind: 2, fields: [[5, 's', 'one']] });
    expectCode(() => decodeMessage(bytes), 'systemd_failed');
  });

  it('is refused above its bound, before anything of it is kept', () => {
    const bytes = Buffer.from(SIGNAL);
    bytes.writeUInt32LE(MAX_MESSAGE_BYTES, 4);
    expectCode(() => messageLength(bytes), 'systemd_failed');
    bytes.writeUInt32LE(0xffffffff, 12);
    expectCode(() => messageLength(bytes), 'systemd_failed');
  });

  it('is a message or an error of ours, whatever the bytes', () => {
    const property = fc.property(fc.nat(SIGNAL.length - 1), fc.nat(255), (at, byte) => {
      const bytes = Buffer.from(SIGNAL);
      bytes[at] = byte;
      valueOrAgentError(() => decodeMessage(bytes).values());
      valueOrAgentError(() => decodeMessage(bytes.subarray(0, at)));
    });
    fc.assert(property);
  });
});
