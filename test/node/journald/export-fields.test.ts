// Fields of an exported entry: what was kept, however it is asked for.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExportFields, WantedFields } from '../../../agent/node/journald/export-fields.ts';

const NAMES = ['_UID', '_EXE', 'MESSAGE'];

/** As a parser does it: the values stand somewhere in bytes that hold more. */
function fieldsOf(wanted: WantedFields, values: Readonly<Record<string, Buffer>>): ExportFields {
  const fields = new ExportFields(wanted);
  for (const [name, value] of Object.entries(values)) {
    const bytes = Buffer.concat([Buffer.from(`${name}=`), value, Buffer.from('\nX=9\n')]);
    const start = name.length + 1;
    fields.keepAt(wanted.placeOf(name), bytes, start, start + value.length);
  }
  return fields;
}

const value = fc.oneof(
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom('/usr/bin/containerd', '/usr/bin/containerdX', '', 'é')
    .map((t) => Buffer.from(t)),
);
const values = fc.dictionary(fc.constantFrom(...NAMES), value);

describe('ExportFields', () => {
  it('tells each value as bytes and as text, whatever the entries before it said', () => {
    fc.assert(
      fc.property(fc.array(values, { maxLength: 6 }), (entries) => {
        const wanted = new WantedFields(NAMES);
        for (const entry of entries) {
          const fields = fieldsOf(wanted, entry);
          for (const name of NAMES) {
            expect(fields.has(name)).toBe(entry[name] !== undefined);
            expect(fields.get(name)).toEqual(entry[name]);
            expect(fields.text(name)).toBe(entry[name]?.toString());
          }
        }
      }),
    );
  });

  it('reads a whole number as the pattern of its digits would', () => {
    const digits = fc.oneof(
      fc.stringMatching(/^\d{0,18}$/),
      fc.string({ maxLength: 5 }),
      fc.nat().map(String),
    );
    fc.assert(
      fc.property(digits, (text) => {
        const fields = fieldsOf(new WantedFields(NAMES), { _UID: Buffer.from(text) });
        const isWhole = /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text));
        expect(fields.whole('_UID')).toBe(isWhole ? Number(text) : undefined);
      }),
    );
  });

  it('compares a value byte for byte', () => {
    fc.assert(
      fc.property(value, value, (one, other) => {
        const fields = fieldsOf(new WantedFields(NAMES), { _EXE: one });
        expect(fields.is('_EXE', one)).toBe(true);
        expect(fields.is('_EXE', other)).toBe(one.equals(other));
        expect(fields.is('_UID', one)).toBe(false);
      }),
    );
  });

  it('says nothing of a name that was not wanted', () => {
    const fields = fieldsOf(new WantedFields(NAMES), { _UID: Buffer.from('0') });
    expect(fields.has('_PID')).toBe(false);
    expect(fields.get('_PID')).toBeUndefined();
    expect(fields.text('_PID')).toBeUndefined();
    expect(fields.whole('_PID')).toBeUndefined();
    expect(fields.is('_PID', Buffer.from('0'))).toBe(false);
  });

  it('replaces one value and leaves the entry it came from as it was', () => {
    const all = { _UID: Buffer.from('0'), MESSAGE: Buffer.from('a part') };
    const fields = fieldsOf(new WantedFields(NAMES), all);
    const whole = { ...all, MESSAGE: Buffer.from('a part and the rest') };
    expect(Object.fromEntries(fields.with('MESSAGE', whole.MESSAGE))).toEqual(whole);
    expect(Object.fromEntries(fields)).toEqual(all);
  });
});
