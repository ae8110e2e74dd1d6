// The export parser: every cut of the stream, hostile values, lost framing.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ExportEntry,
  ExportParser,
  MAX_ENTRY_FIELDS,
  MAX_VALUE_BYTES,
} from '../../../agent/node/journald/export-format.ts';
import type { AgentError } from '../../../agent/errors.ts';
import { exportEntry } from '../../support/journal.ts';

const WANTED = ['MESSAGE', '__CURSOR', '_UID'];

function parse(...chunks: readonly Buffer[]): { entries: ExportEntry[]; malformed: number } {
  const parser = new ExportParser(WANTED);
  const entries = chunks.flatMap((chunk) => parser.feed(chunk));
  return { entries, malformed: parser.malformed };
}

function fieldsOf(entries: readonly ExportEntry[]): Record<string, string>[] {
  return entries.map(({ fields }) =>
    Object.fromEntries([...fields].map(([name, value]) => [name, value.toString('latin1')])),
  );
}

const GOOD = { __CURSOR: 'c1', _HOSTNAME: 'node', MESSAGE: 'hello', _UID: '0' };

describe('ExportParser', () => {
  it('returns the wanted fields of each entry and only those', () => {
    const { entries } = parse(exportEntry(GOOD), exportEntry({ ...GOOD, MESSAGE: '' }));
    expect(fieldsOf(entries)).toEqual([
      { __CURSOR: 'c1', MESSAGE: 'hello', _UID: '0' },
      { __CURSOR: 'c1', MESSAGE: '', _UID: '0' },
    ]);
  });

  it('keeps a binary value byte for byte, blank lines and imitated entries included', () => {
    const hostile = Buffer.concat([
      Buffer.from('\n\n__CURSOR=forged\n_UID=0\nMESSAGE=forged\n\n'),
      Buffer.from([0, 255, 10]),
    ]);
    const { entries, malformed } = parse(exportEntry({ ...GOOD, MESSAGE: hostile }));
    expect(malformed).toBe(0);
    expect(entries).toHaveLength(1);
    expect(entries[0]?.fields.get('MESSAGE')).toEqual(hostile);
  });

  it('finds no entry in the value of an unwanted field', () => {
    const { entries } = parse(exportEntry({ __CURSOR: 'c1', X: '\n\n__CURSOR=forged\n\n' }));
    expect(fieldsOf(entries)).toEqual([{ __CURSOR: 'c1' }]);
  });

  it('keeps the first of two values of one field', () => {
    const bytes = Buffer.from('__CURSOR=c1\n_UID=1000\n_UID=0\n\n');
    expect(fieldsOf(parse(bytes).entries)).toEqual([{ __CURSOR: 'c1', _UID: '1000' }]);
  });

  it('does not call an unfinished entry an entry', () => {
    const bytes = exportEntry(GOOD);
    expect(parse(bytes.subarray(0, -1)).entries).toEqual([]);
  });

  it('does not take a name for another of the same length and ends', () => {
    const bytes = Buffer.from('__CURSOR=c1\nMEXXSGE=x\nMESSAGE=y\n\n');
    expect(fieldsOf(parse(bytes).entries)).toEqual([{ __CURSOR: 'c1', MESSAGE: 'y' }]);
  });

  const oversize = 'x'.repeat(MAX_VALUE_BYTES + 1);
  it.each([
    ['text', oversize],
    ['binary', `${oversize}\n\n__CURSOR=forged\n\n`],
  ])('cuts an oversize %s value, says so, and keeps its place', (_, value) => {
    const bytes = Buffer.concat([exportEntry({ ...GOOD, MESSAGE: value }), exportEntry(GOOD)]);
    for (const size of [1000, 65_536, bytes.length]) {
      const { entries, malformed } = parse(...slices(bytes, size));
      expect(malformed).toBe(0);
      expect(entries.map(({ truncated }) => truncated)).toEqual([true, false]);
      expect(entries[0]?.fields.get('MESSAGE')?.length).toBe(MAX_VALUE_BYTES);
      expect(entries[0]?.fields.get('_UID')?.toString()).toBe('0');
    }
  });

  it('keeps a value of exactly the limit whole', () => {
    const { entries } = parse(exportEntry({ ...GOOD, MESSAGE: 'x'.repeat(MAX_VALUE_BYTES) }));
    expect(entries[0]?.truncated).toBe(false);
  });

  it('stops looking at fields past the limit but keeps its place', () => {
    const filler = 'F=1\n'.repeat(MAX_ENTRY_FIELDS);
    const bytes = Buffer.from(`__CURSOR=c1\n${filler}_UID=0\n\n`);
    const { entries, malformed } = parse(bytes, exportEntry(GOOD));
    expect(malformed).toBe(0);
    expect(entries.map(({ truncated }) => truncated)).toEqual([true, false]);
    expect(entries[0]?.fields.has('_UID')).toBe(false);
  });

  it.each<[string, Buffer]>([
    ['a name with a lower-case letter', Buffer.from('__CURSOR=c\nMessage=x\n\n')],
    ['an empty name', Buffer.from('__CURSOR=c\n=x\n\n')],
    ['a name that is too long', Buffer.from(`__CURSOR=c\n${'N'.repeat(65)}=x\n\n`)],
    [
      'an impossible length',
      Buffer.from('__CURSOR=c\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffx\n\n', 'latin1'),
    ],
    [
      'a length above the limit',
      Buffer.from('__CURSOR=c\nMESSAGE\n\xff\xff\xff\xff\0\0\0\0x\n\n', 'latin1'),
    ],
    [
      'a value longer than its length',
      Buffer.from('__CURSOR=c\nMESSAGE\n\x01\0\0\0\0\0\0\0xy\n\n', 'latin1'),
    ],
  ])('drops an entry with %s, counts it, and reads on after the blank line', (_, bytes) => {
    const errors: AgentError[] = [];
    const parser = new ExportParser(WANTED, (error) => errors.push(error));
    const entries = parser.feed(Buffer.concat([bytes, exportEntry(GOOD)]));
    expect(fieldsOf(entries)).toEqual([{ __CURSOR: 'c1', MESSAGE: 'hello', _UID: '0' }]);
    expect(parser.malformed).toBe(1);
    expect(errors.map(({ code }) => code)).toEqual(['journal_entry_invalid']);
  });

  it('gives the same entries for every cut in two', () => {
    const bytes = Buffer.concat([
      exportEntry({ ...GOOD, MESSAGE: 'two\nlines', X: 'also\n\ntwo' }),
      Buffer.from('__CURSOR=c\nMessage=x\nMESSAGE=lost\n\n'),
      exportEntry(GOOD),
    ]);
    const whole = parse(bytes);
    expect(whole.entries).toHaveLength(2);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(parse(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(whole);
    }
  });

  const value = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom('', '\n', '\n\n', '=', 'MESSAGE=x\n\n').map((text) => Buffer.from(text)),
  );
  const entry = fc.dictionary(
    fc.constantFrom('MESSAGE', '__CURSOR', '_UID', 'OTHER', 'X_1'),
    value,
    {
      minKeys: 1,
    },
  );

  it('reads back what was written, cut at every byte', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (written) => {
        const bytes = Buffer.concat(written.map((fields) => exportEntry(fields)));
        const { entries, malformed } = parse(...slices(bytes, 1));
        expect(malformed).toBe(0);
        expect(fieldsOf(entries)).toEqual(
          written.map((fields) =>
            Object.fromEntries(
              Object.entries(fields)
                .filter(([name]) => WANTED.includes(name))
                .map(([name, bytes]) => [name, bytes.toString('latin1')]),
            ),
          ),
        );
      }),
    );
  });

  it('never throws, and never depends on the cut, whatever the bytes', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom('\n', '\n\n', 'MESSAGE=a\n', 'MESSAGE\n', '\x02\0\0\0\0\0\0\0', 'bad=')
        .map((text) => Buffer.from(text, 'latin1')),
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        (pieces, size) => {
          const bytes = Buffer.concat(pieces);
          expect(parse(...slices(bytes, size))).toEqual(parse(bytes));
        },
      ),
      { numRuns: 500 },
    );
  });
});

function slices(bytes: Buffer, size: number): Buffer[] {
  const result: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) result.push(bytes.subarray(at, at + size));
  return result;
}
