// Lines that journald took apart: joined, or not read at all, and never a part taken for a line.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Arrival, Arrivals } from '../../../agent/node/journald/arrival.ts';
import { ENTRY_FIELDS, toEntryAt } from '../../../agent/node/journald/entry.ts';
import { ExportParser } from '../../../agent/node/journald/export-format.ts';
import {
  LineJoiner,
  MAX_HELD,
  MAX_LINE_BYTES,
  MAX_OPEN_US,
} from '../../../agent/node/journald/line-joiner.ts';
import { containerdFields, exportEntry, realtimeUs } from '../../support/journal.ts';

const UNIT = 'containerd.service';

type Fields = Readonly<Record<string, string | Buffer>>;

/** Entry `n` of a stream, as journald would file a part that ends by `lineBreak`. */
function part(n: number, message: string | Buffer, lineBreak = '', fields: Fields = {}): Arrival {
  const all = { ...containerdFields(n, ''), MESSAGE: message, _STREAM_ID: 'a', ...fields };
  return arrivalOf({ ...all, ...(lineBreak === '' ? {} : { _LINE_BREAK: lineBreak }) });
}

function arrivalOf(fields: Fields): Arrival {
  const [exported] = new ExportParser(ENTRY_FIELDS).feed(exportEntry(fields));
  if (exported === undefined) throw new TypeError('no entry');
  return new Arrivals(UNIT).read(exported);
}

const foreign = (n: number): Arrival => part(n, 'x', '', { _SYSTEMD_UNIT: 'ssh.service' });

interface Line {
  readonly message: string;
  readonly isWhole: boolean;
  readonly n: number;
}

/** The lines among arrivals; `n` is the number of the entry at whose position each stands. */
function lines(arrivals: readonly Arrival[]): Line[] {
  return arrivals.flatMap(({ entry, position }) => {
    if (entry === undefined) return [];
    const { message, truncated } = toEntryAt(position, entry);
    const n = Math.round((position.realtimeUs - realtimeUs(0)) / 1000);
    return [{ message, isWhole: !truncated, n }];
  });
}

describe('LineJoiner', () => {
  it('passes on what is whole as it came', () => {
    const all = [part(1, 'a'), foreign(2), part(3, 'b')];
    expect(new LineJoiner().join(all)).toBe(all);
  });

  it('makes one line of what journald cut by length, where its last part stands', () => {
    const joined = new LineJoiner().join([part(1, 'ab', 'line-max'), part(2, 'c')]);
    expect(lines(joined)).toEqual([{ message: 'abc', isWhole: true, n: 2 }]);
  });

  it('joins bytes, so that a character cut in two is one again', () => {
    const bytes = Buffer.from('ü');
    const first = part(1, bytes.subarray(0, 1), 'line-max');
    const joined = new LineJoiner().join([first, part(2, bytes.subarray(1))]);
    expect(lines(joined)).toEqual([{ message: 'ü', isWhole: true, n: 2 }]);
  });

  it('holds everything back until the line is whole, so that no position is inside of it', () => {
    const joiner = new LineJoiner();
    const [first, other, last, next] = [
      part(1, 'a', 'line-max'),
      foreign(2),
      part(3, 'b'),
      part(4, 'c'),
    ] as const;
    expect(joiner.join([first])).toEqual([]);
    expect(joiner.join([other])).toEqual([]);
    const released = joiner.join([last, next]);
    expect(released.map(({ position }) => position)).toEqual(
      [first, other, last, next].map(({ position }) => position),
    );
    expect(lines(released)).toEqual([
      { message: 'ab', isWhole: true, n: 3 },
      { message: 'c', isWhole: true, n: 4 },
    ]);
  });

  it('joins the lines of two streams that are open at once', () => {
    const b = { _STREAM_ID: 'b' };
    const joined = new LineJoiner().join([
      part(1, 'a1', 'line-max'),
      part(2, 'b1', 'line-max', b),
      part(3, 'a2'),
      part(4, 'b2', '', b),
    ]);
    expect(lines(joined)).toEqual([
      { message: 'a1a2', isWhole: true, n: 3 },
      { message: 'b1b2', isWhole: true, n: 4 },
    ]);
  });

  it.each([
    ['a NUL', [part(1, 'a', 'nul'), part(2, 'forged')]],
    ['another process', [part(1, 'a', 'pid-change'), part(2, 'forged')]],
    ['something that journald will add', [part(1, 'a', 'new'), part(2, 'forged')]],
    ['the end of the stream', [part(1, 'a', 'eof')]],
    ['the end of the stream after a cut', [part(1, 'a', 'line-max'), part(2, 'forged', 'eof')]],
    ['a NUL after a cut', [part(1, 'a', 'line-max'), part(2, 'b', 'nul'), part(3, 'forged')]],
    ['parts of two processes', [part(1, 'a', 'line-max'), part(2, 'forged', '', { _PID: '4243' })]],
    [
      'parts of two programs',
      [part(1, 'a', 'line-max'), part(2, 'forged', '', { _EXE: '/usr/bin/sh' })],
    ],
  ])('does not read a line that is broken by %s', (_, arrivals) => {
    const [line, ...more] = lines(new LineJoiner().join(arrivals));
    expect(more).toEqual([]);
    expect(line).toMatchObject({ message: 'a', isWhole: false });
  });

  it('does not read a line of which a part is not whole itself', () => {
    const [first, last] = [part(1, 'a', 'line-max'), part(2, 'b')];
    expect(lines(new LineJoiner().join([first, last]))).toMatchObject([{ isWhole: true }]);
    const { entry } = last;
    if (entry === undefined) throw new TypeError('no entry');
    const cut = { ...last, entry: { ...entry, truncated: true } };
    expect(lines(new LineJoiner().join([first, cut]))).toMatchObject([{ isWhole: false }]);
  });

  it('takes a part without a message for an empty one', () => {
    const fields: Fields = { ...containerdFields(2, ''), _STREAM_ID: 'a' };
    const rest = Object.entries(fields).filter(([name]) => name !== 'MESSAGE');
    const last = arrivalOf(Object.fromEntries(rest));
    const joined = new LineJoiner().join([part(1, 'a', 'line-max'), last]);
    expect(lines(joined)).toEqual([{ message: 'a', isWhole: true, n: 2 }]);
  });

  it.each([
    ['neither part', [], true],
    ['the first part only', [1], false],
    ['the last part only', [2], false],
  ])(
    'joins parts of one writer, also where he is not known: %s has a program',
    (_, known, isWhole) => {
      const parts = [1, 2].map((n) => {
        const { _EXE: exe = '', ...rest } = containerdFields(n, 'x');
        const fields = { ...rest, ...(known.includes(n) && { _EXE: exe }), _STREAM_ID: 'a' };
        return arrivalOf({ ...fields, ...(n === 1 && { _LINE_BREAK: 'line-max' }) });
      });
      expect(lines(new LineJoiner().join(parts))).toMatchObject([{ isWhole }]);
    },
  );

  it('does not read a line that is longer than any should be, and keeps little of it', () => {
    const chunk = 'x'.repeat(48 * 1024);
    const count = Math.ceil((MAX_LINE_BYTES + 1) / chunk.length);
    const parts = Array.from({ length: count }, (_, n) => part(n, chunk, 'line-max'));
    const [line] = lines(new LineJoiner().join([...parts, part(count, 'forged')]));
    expect(line?.isWhole).toBe(false);
    const [whole] = lines(new LineJoiner().join([...parts.slice(2), part(count, 'end')]));
    expect(whole).toMatchObject({ isWhole: true, n: count });
    expect(whole?.message).toBe(`${chunk.repeat(count - 2)}end`);
  });

  it.each<[string, (joiner: LineJoiner) => readonly Arrival[]]>([
    ['for too long', (joiner) => joiner.join([foreign(2 + MAX_OPEN_US / 1000)])],
    [
      'while too much came',
      (joiner) => joiner.join(Array.from({ length: MAX_HELD }, (_, n) => foreign(n + 2))),
    ],
    ['and nothing more came', (joiner) => joiner.flush()],
  ])('gives up on a line that stayed open %s, and does not take its rest for one', (_, wait) => {
    const joiner = new LineJoiner();
    expect(joiner.join([part(1, 'a', 'line-max')])).toEqual([]);
    expect(lines(wait(joiner))).toEqual([{ message: 'a', isWhole: false, n: 1 }]);
    expect(lines(joiner.join([part(9, 'forged')]))).toEqual([
      { message: 'forged', isWhole: false, n: 9 },
    ]);
    expect(lines(joiner.join([part(10, 'good')]))).toEqual([
      { message: 'good', isWhole: true, n: 10 },
    ]);
  });

  it('waits for the rest of a line as long and for as much as may be', () => {
    const late = new LineJoiner();
    const atLast = 1 + MAX_OPEN_US / 1000;
    const soon = [part(1, 'a', 'line-max'), foreign(atLast), part(atLast, 'b')];
    expect(lines(late.join(soon))).toMatchObject([{ message: 'ab', isWhole: true }]);
    const between = Array.from({ length: MAX_HELD - 1 }, (_, n) => foreign(n + 2));
    const much = [part(1, 'a', 'line-max'), ...between, part(MAX_HELD + 1, 'b')];
    expect(lines(new LineJoiner().join(much))).toMatchObject([{ message: 'ab', isWhole: true }]);
  });

  it('reads a line of the greatest length, and none of one byte more', () => {
    const eighth = 'x'.repeat(MAX_LINE_BYTES / 8);
    const most = Array.from({ length: 8 }, (_, n) => part(n, eighth, 'line-max'));
    for (const [rest, isWhole] of [
      ['', true],
      ['y', false],
    ] as const) {
      const [line] = lines(new LineJoiner().join([...most, part(8, rest)]));
      expect(line?.isWhole).toBe(isWhole);
    }
  });

  it('does not take the rest for a line after a new start either', () => {
    const joiner = new LineJoiner();
    joiner.join([part(1, 'a', 'line-max')]);
    joiner.flush();
    joiner.reset();
    const [line] = lines(joiner.join([part(2, 'forged')]));
    expect(line?.isWhole).toBe(false);
  });

  it('does not take the rest of any of many lines for one', () => {
    for (const count of [64, 65]) {
      const joiner = new LineJoiner();
      const streams = Array.from({ length: count }, (_, n) => ({ _STREAM_ID: `${n}` }));
      joiner.join(streams.map((stream, n) => part(n, 'a', 'line-max', stream)));
      joiner.flush();
      const rests = lines(
        joiner.join(streams.map((stream, n) => part(99 + n, 'rest', '', stream))),
      );
      // So many are remembered, and of more than that those since.
      expect(rests.filter(({ isWhole }) => !isWhole).map(({ n }) => n - 99)).toEqual(
        count === 64 ? streams.map((_, n) => n) : [64],
      );
    }
  });

  it('reads again what it held when it is reset', () => {
    const joiner = new LineJoiner();
    const all = [part(1, 'a', 'line-max'), foreign(2), part(3, 'b')];
    joiner.join(all.slice(0, 2));
    joiner.reset();
    expect(lines(joiner.join(all))).toEqual([{ message: 'ab', isWhole: true, n: 3 }]);
  });

  it('leaves other units alone', () => {
    const fields = { _SYSTEMD_UNIT: 'ssh.service' };
    const all = [part(1, 'a', 'line-max', fields), part(2, 'b', '', fields), part(3, 'c')];
    expect(lines(new LineJoiner().join(all))).toEqual([{ message: 'c', isWhole: true, n: 3 }]);
  });

  it('gives every line once and in order, however it was cut and batched', () => {
    const text = fc.string({ minLength: 1, maxLength: 12 });
    const stream = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(
        fc.array(fc.record({ stream, pieces: fc.array(text, { minLength: 1, maxLength: 3 }) }), {
          maxLength: 12,
        }),
        fc.integer({ min: 1, max: 5 }),
        (written, size) => {
          let n = 0;
          const all = written.flatMap(({ stream: id, pieces }) =>
            pieces.map((piece, index) =>
              part((n += 1), piece, index < pieces.length - 1 ? 'line-max' : '', {
                _STREAM_ID: id,
              }),
            ),
          );
          const joiner = new LineJoiner();
          const released: Arrival[] = [];
          for (let at = 0; at < all.length; at += size) {
            released.push(...joiner.join(all.slice(at, at + size)));
          }
          expect(released.map(({ position }) => position)).toEqual(
            all.map(({ position }) => position),
          );
          expect(lines(released).map(({ message }) => message)).toEqual(
            written.map(({ pieces }) => pieces.join('')),
          );
        },
      ),
    );
  });

  it('never takes a part for a line, whatever breaks what', () => {
    const breaks = fc.constantFrom('', 'line-max', 'nul', 'pid-change', 'eof');
    fc.assert(
      fc.property(
        fc.array(fc.record({ stream: fc.constantFrom('a', 'b'), lineBreak: breaks }), {
          maxLength: 20,
        }),
        (written) => {
          const joiner = new LineJoiner();
          const arrivals = written.map(({ stream, lineBreak }, n) =>
            part(n, `<${n}>`, lineBreak, { _STREAM_ID: stream }),
          );
          const read = [...joiner.join(arrivals), ...joiner.flush()];
          expect(read).toHaveLength(arrivals.length);
          const before = new Map<string, string>();
          const alone = new Set<string>();
          written.forEach(({ stream, lineBreak }, n) => {
            const isStart = ['', 'eof'].includes(before.get(stream) ?? '');
            if (isStart && lineBreak === '') alone.add(`<${n}>`);
            before.set(stream, lineBreak);
          });
          for (const { message, isWhole } of lines(read)) {
            const parts = message.split('>').length - 1;
            if (isWhole && parts === 1) expect(alone).toContain(message);
          }
        },
      ),
    );
  });
});
