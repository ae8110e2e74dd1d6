// Keeping the place in a journal: gaps, doubts, repeats, and positions that do not age.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Arrival } from '../../../agent/node/journald/arrival.ts';
import { Arrivals } from '../../../agent/node/journald/arrival.ts';
import { ENTRY_FIELDS, type JournalEntry } from '../../../agent/node/journald/entry.ts';
import { ExportParser } from '../../../agent/node/journald/export-format.ts';
import { Progress, SIGN_OF_LIFE_US } from '../../../agent/node/journald/progress.ts';
import type { FollowIncident } from '../../../agent/node/journald/source.ts';
import { containerdFields, cursorOf, exportEntry, realtimeUs } from '../../support/journal.ts';

const UNIT = 'containerd.service';
const SIGN_OF_LIFE = SIGN_OF_LIFE_US / 1000;

const position = (n: number) => ({ cursor: cursorOf(n), realtimeUs: realtimeUs(n) });

/** One run of journalctl that brings the entries with these numbers; negative ones are of another unit. */
function run(...numbers: readonly number[]): Arrival[] {
  const arrivals = new Arrivals(UNIT);
  return numbers.flatMap((n) => {
    const fields = containerdFields(Math.abs(n), `m${n}`);
    const bytes = exportEntry(n < 0 ? { ...fields, _SYSTEMD_UNIT: 'ssh.service' } : fields);
    return new ExportParser(ENTRY_FIELDS).feed(bytes).map((exported) => arrivals.read(exported));
  });
}

function create(after?: number) {
  const incidents: FollowIncident[] = [];
  const place = after === undefined ? undefined : position(after);
  const progress = new Progress(place, (incident) => incidents.push(incident));
  const take = (...numbers: readonly number[]) => {
    progress.start();
    const { entries, isDoubtful } = progress.take(run(...numbers));
    return { messages: entries.map(({ message }) => message), isDoubtful };
  };
  return { progress, take, incidents };
}

const START = Math.round(realtimeUs(0) / 1000);

/** The messages of whole lines; of those that never ended, their beginning. */
function ours(entries: readonly JournalEntry[]): string[] {
  return entries.flatMap(({ message, unit }) => (unit === UNIT ? [message] : []));
}

/** What a reader of all entries at once would make of them. */
function linesOf(
  written: readonly {
    readonly isOurs: boolean;
    readonly stream: string;
    readonly isCut: boolean;
  }[],
): string[] {
  const open = new Map<string, { parts: string[]; last: number }>();
  const lines: { text: string; at: number }[] = [];
  written.forEach(({ isOurs, stream, isCut }, index) => {
    if (!isOurs) return;
    const line = open.get(stream) ?? { parts: [], last: 0 };
    line.parts.push(`<${index + 1}>`);
    line.last = index;
    if (isCut) open.set(stream, line);
    else {
      open.delete(stream);
      lines.push({ text: line.parts.join(''), at: index });
    }
  });
  for (const { parts, last } of open.values()) lines.push({ text: parts[0] ?? '', at: last });
  return lines.sort((a, b) => a.at - b.at).map(({ text }) => text);
}

describe('Progress', () => {
  it('yields what is after the entry that was handled', () => {
    const { take, progress, incidents } = create(2);
    expect(take(2, 3, -4, 5)).toEqual({ messages: ['m3', 'm5'], isDoubtful: false });
    expect(progress.position).toEqual(position(5));
    expect(incidents).toEqual([]);
  });

  it('passes over what a start by time brings before it', () => {
    const { take, incidents } = create(3);
    expect(take(1, 2, 3, 4).messages).toEqual(['m4']);
    expect(incidents).toEqual([]);
  });

  it('tells what is missing where the entry is gone', () => {
    const { take, incidents } = create(2);
    expect(take(7, 8).messages).toEqual(['m7', 'm8']);
    expect(incidents).toEqual([{ kind: 'gap', from: position(2), to: position(7), entries: 4 }]);
  });

  it('tells of no gap where the entry is gone and nothing else', () => {
    const { take, incidents } = create(2);
    expect(take(3).messages).toEqual(['m3']);
    expect(incidents).toEqual([]);
  });

  it('cannot say how much is missing after journald began to count anew', () => {
    const { progress, incidents } = create(2);
    progress.start();
    const [arrival] = run(7);
    if (arrival === undefined) throw new TypeError('no arrival');
    const cursor = cursorOf(7).replace(/^s=a+/, `s=${'c'.repeat(32)}`);
    progress.take([{ ...arrival, position: { ...arrival.position, cursor } }]);
    expect(incidents).toMatchObject([{ kind: 'gap', entries: null }]);
  });

  it('doubts a number that is passed over, and finds the entry when it is read again', () => {
    const { take, progress, incidents } = create(1);
    expect(take(1, 2, 5, 6)).toEqual({ messages: ['m2'], isDoubtful: true });
    expect(progress.position).toEqual(position(2));
    expect(take(2, 3, -4, 5, 6)).toEqual({ messages: ['m3', 'm5', 'm6'], isDoubtful: false });
    expect(incidents).toEqual([]);
  });

  it('tells of a gap when it is there again', () => {
    const { take, incidents } = create(1);
    expect(take(1, 2, 5, 6).isDoubtful).toBe(true);
    expect(incidents).toEqual([]);
    expect(take(2, 5, 6)).toEqual({ messages: ['m5', 'm6'], isDoubtful: false });
    expect(incidents).toEqual([{ kind: 'gap', from: position(2), to: position(5), entries: 2 }]);
  });

  it('does not read again for each of many gaps', () => {
    const { take, incidents } = create(1);
    const holes = [1, 3, 5, 7, 9, 11];
    expect(take(...holes).isDoubtful).toBe(true);
    expect(take(...holes).messages).toEqual(['m3', 'm5', 'm7', 'm9', 'm11']);
    expect(incidents).toEqual(
      [1, 3, 5, 7, 9].map((n) => {
        return { kind: 'gap', from: position(n), to: position(n + 2), entries: 1 };
      }),
    );
  });

  it('doubts the next gap once a hundred entries came since', () => {
    for (const [came, isDoubtful] of [
      [98, false],
      [99, true],
    ] as const) {
      const { progress, take } = create(1);
      expect(take(1, 3).isDoubtful).toBe(true);
      progress.start();
      progress.take(run(1));
      const since = Array.from({ length: came }, (_, n) => n + 2);
      const next = came + 4;
      // The one that is looked at is counted as well.
      expect(progress.take(run(...since, next)).isDoubtful).toBe(isDoubtful);
    }
  });

  it('reads again once for a gap, however much comes after it', () => {
    const { take, incidents } = create(1);
    const after = Array.from({ length: 200 }, (_, n) => n + 5);
    expect(take(1, 2, ...after).isDoubtful).toBe(true);
    expect(take(2, ...after)).toMatchObject({ isDoubtful: false, messages: { length: 200 } });
    expect(incidents).toEqual([{ kind: 'gap', from: position(2), to: position(5), entries: 2 }]);
  });

  it('counts entries of other units that are missing, because nobody knows whose they are', () => {
    const { take, incidents } = create(1);
    take(1, -2, -5);
    take(-2, -5);
    expect(incidents).toMatchObject([{ kind: 'gap', entries: 2 }]);
  });

  it('keeps a place that the journal still has while our unit is silent', () => {
    const { take, progress } = create(1);
    const { messages } = take(1, -2, -3);
    expect(messages).toEqual([]);
    expect(progress.position).toEqual(position(3));
    const far = 3 + SIGN_OF_LIFE;
    const arrivals = run(-3, -far).map((arrival) => ({ ...arrival, missing: 0 }));
    progress.start();
    const [sign, ...more] = progress.take(arrivals).entries;
    expect(sign).toMatchObject({
      ...position(far),
      unit: undefined,
      message: '',
      truncated: false,
    });
    expect(more).toEqual([]);
    progress.start();
    const next = run(-far, -(far + 1)).map((arrival) => ({ ...arrival, missing: 0 }));
    expect(progress.take(next).entries).toEqual([]);
    expect(progress.take(run(-(far + 2))).entries).toEqual([]);
  });

  it('counts our silence from the last entry of ours', () => {
    const { progress } = create(1);
    progress.start();
    const arrivals = (...numbers: readonly number[]) =>
      run(...numbers).map((arrival) => ({ ...arrival, missing: 0 }));
    const far = 2 + SIGN_OF_LIFE;
    expect(progress.take(arrivals(1, 2, far)).entries).toHaveLength(2);
    expect(progress.take(arrivals(-(far + 1))).entries).toEqual([]);
    expect(progress.take(arrivals(-(far + SIGN_OF_LIFE))).entries).toHaveLength(1);
  });

  it('gives a place at once where there was none', () => {
    expect(create().take(-1).messages).toEqual(['']);
  });

  it('tells what journald refused, once it is past it', () => {
    const { progress, incidents } = create(1);
    progress.start();
    const [first, notice] = run(1, -2);
    if (first === undefined || notice === undefined) throw new TypeError('no arrivals');
    progress.take([first, { ...notice, suppressed: 1 }]);
    expect(incidents).toEqual([{ kind: 'suppressed', entries: 1, at: position(2) }]);
  });

  it('yields every line once and in order, however often and wherever runs end', () => {
    const writer = fc.record({
      isOurs: fc.boolean(),
      stream: fc.constantFrom('a', 'b'),
      isCut: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(writer, { minLength: 1, maxLength: 25 }),
        fc.array(fc.tuple(fc.nat(25), fc.integer({ min: 1, max: 6 })), { maxLength: 12 }),
        (written, runs) => {
          const journal = written.map(({ isOurs, stream, isCut }, at) =>
            exportEntry({
              ...containerdFields(at + 1, `<${at + 1}>`),
              _STREAM_ID: stream,
              ...(isOurs ? {} : { _SYSTEMD_UNIT: 'ssh.service' }),
              ...(isCut ? { _LINE_BREAK: 'line-max' } : {}),
            }),
          );
          const incidents: FollowIncident[] = [];
          const progress = new Progress(undefined, (incident) => incidents.push(incident));
          const found: string[] = [];
          for (const [count, size] of [...runs, [journal.length, 5] as const]) {
            const place = progress.position;
            const first = place === undefined ? 0 : Math.round(place.realtimeUs / 1000) - START;
            const arrivals = new Arrivals(UNIT);
            progress.start();
            const shown = journal.slice(Math.max(0, first - 1), Math.max(0, first - 1) + count);
            for (let at = 0; at < shown.length; at += size) {
              const batch = new ExportParser(ENTRY_FIELDS)
                .feed(Buffer.concat(shown.slice(at, at + size)))
                .map((exported) => arrivals.read(exported));
              found.push(...ours(progress.take(batch).entries));
            }
          }
          found.push(...ours(progress.flush()));
          expect(found).toEqual(linesOf(written));
          expect(incidents).toEqual([]);
        },
      ),
    );
  });

  it('keeps its place where a read brings no whole entry', () => {
    const { progress, incidents } = create(1);
    progress.start();
    const arrivals = run(1, 2, 5);
    for (const [count, newest] of [1, 2, 2].entries()) {
      expect(progress.take([]).entries).toEqual([]);
      expect(progress.take(arrivals.slice(count, count + 1)).isDoubtful).toBe(count === 2);
      expect(progress.newest).toEqual(position(newest));
    }
    progress.start();
    const again = run(2, 5);
    for (const one of again) {
      progress.take([]);
      progress.take([one]);
    }
    expect(incidents).toEqual([{ kind: 'gap', from: position(2), to: position(5), entries: 2 }]);
  });

  it('has read nothing of a run that begins, whatever was held back of the last one', () => {
    const { progress } = create(1);
    progress.start();
    const cut = { ...containerdFields(2, 'cut'), _STREAM_ID: 'a', _LINE_BREAK: 'line-max' };
    const all = [exportEntry(containerdFields(1, 'm1')), exportEntry(cut)];
    const arrivals = new Arrivals(UNIT);
    const exported = new ExportParser(ENTRY_FIELDS).feed(Buffer.concat(all));
    expect(progress.take(exported.map((entry) => arrivals.read(entry))).entries).toEqual([]);
    expect([progress.position, progress.newest]).toEqual([position(1), position(2)]);
    progress.start();
    expect([progress.position, progress.newest]).toEqual([position(1), undefined]);
  });

  it('gives the fields that are asked for, and no others', () => {
    const fields = { ...containerdFields(1, 'm1'), FIRST: 'one', SECOND: 'two' };
    for (const [names, more] of [
      [['FIRST'], new Map([['FIRST', 'one']])],
      [[], undefined],
    ] as const) {
      const progress = new Progress(undefined, () => undefined, names);
      progress.start();
      const parser = new ExportParser([...ENTRY_FIELDS, 'FIRST', 'SECOND']);
      const arrivals = new Arrivals(UNIT);
      const exported = parser.feed(exportEntry(fields));
      const [entry] = progress.take(exported.map((one) => arrivals.read(one))).entries;
      expect(entry?.more).toEqual(more);
    }
  });

  it('yields an entry once that journalctl shows twice', () => {
    const { take } = create(1);
    expect(take(1, 2, 3, 2, 3, 4).messages).toEqual(['m2', 'm3', 'm4']);
  });
});
