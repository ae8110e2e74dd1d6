// Break-glass counts for a day at most, never when it is doubtful, and says who answers for it.
import { describe, expect, it } from 'vitest';
import {
  type BreakGlass,
  type BreakGlassOrder,
  describeBreakGlass,
  encodeBreakGlass,
  isEncodedBreakGlass,
  judgeBreakGlass,
  MAX_BREAK_GLASS_BYTES,
  parseBreakGlass,
} from '../../agent/pull/break-glass.ts';
import { expectCode } from '../support/expect-code.ts';

const HOUR_MS = 60 * 60 * 1000;
const NOW = new Date('2026-08-22T10:00:00Z');
const ORDER: BreakGlassOrder = { until: after(2), reason: 'registry is down', by: 'alice' };

function after(hours: number): Date {
  return new Date(NOW.getTime() + hours * HOUR_MS);
}

const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const good = { until: '2026-08-22T12:00:00Z', reason: 'registry is down', by: 'alice' };

describe('a break-glass file', () => {
  it('is read back as it was written', () => {
    expect(parseBreakGlass(Buffer.from(encodeBreakGlass(ORDER)))).toEqual(ORDER);
  });

  it('may be written by hand, with an offset and members that nobody knows', () => {
    const hand = { ...good, until: '2026-08-22T14:00:00+02:00', ticket: 'INC-1' };
    expect(parseBreakGlass(bytesOf(hand))).toEqual(ORDER);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('until tomorrow')],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    [
      'a reason that is no UTF-8',
      Buffer.from(JSON.stringify(good).replace('down', '\xff'), 'latin1'),
    ],
    ['an array', bytesOf([good])],
    ['null', bytesOf(null)],
    ['no time', bytesOf({ ...good, until: undefined })],
    ['a misspelt time', bytesOf({ ...good, until: undefined, untill: good.until })],
    ['a day', bytesOf({ ...good, until: '2026-08-22' })],
    ['a time without zone', bytesOf({ ...good, until: '2026-08-22T12:00:00' })],
    ['a duration', bytesOf({ ...good, until: '2h' })],
    ['a number', bytesOf({ ...good, until: 1_787_400_000 })],
    ['no reason', bytesOf({ ...good, reason: undefined })],
    ['an empty reason', bytesOf({ ...good, reason: ' ' })],
    ['nobody', bytesOf({ ...good, by: undefined })],
    ['a list of people', bytesOf({ ...good, by: ['alice'] })],
    ['more than is read', bytesOf({ ...good, more: 'x'.repeat(MAX_BREAK_GLASS_BYTES) })],
  ])('is refused with %s', (_, bytes) => {
    expectCode(() => parseBreakGlass(bytes), 'break_glass_invalid');
  });

  it('may be as large as what is read', () => {
    const padding = MAX_BREAK_GLASS_BYTES - bytesOf({ ...good, more: '' }).length;
    const largest = bytesOf({ ...good, more: 'x'.repeat(padding) });
    expect(largest).toHaveLength(MAX_BREAK_GLASS_BYTES);
    expect(parseBreakGlass(largest)).toEqual(ORDER);
  });

  it('is known as one that was written here, to the byte', () => {
    const text = encodeBreakGlass(ORDER);
    const isOurs = (other: string) => isEncodedBreakGlass(Buffer.from(other));
    expect(isOurs(text)).toBe(true);
    for (const other of [
      `${text}\n`,
      JSON.stringify(good),
      text.replace('"by"', '"of"'),
      text.replace('"alice"', '1'),
      text.replace('"registry is down"', 'null'),
      text.replace('2026', 'soon'),
      text.replace('}', ', "more": 1}'),
      '',
    ]) {
      expect(other).not.toBe(text);
      expect(isOurs(other)).toBe(false);
    }
  });

  it('says in one line until when, by whom and why', () => {
    expect(describeBreakGlass(ORDER)).toBe(
      'every image is let in until 2026-08-22T12:00:00Z, by alice: registry is down',
    );
  });
});

describe('the time of a break-glass file', () => {
  const at = (until: Date, writtenAt: Date): BreakGlass => {
    const bytes = Buffer.from(encodeBreakGlass({ ...ORDER, until }));
    return judgeBreakGlass({ bytes, writtenAt }, NOW);
  };

  it('has come until it is over', () => {
    expect(at(after(1), after(-1))).toEqual({ state: 'active', ...ORDER, until: after(1) });
    expect(at(new Date(NOW.getTime() + 1), NOW)).toMatchObject({ state: 'active' });
    expect(at(NOW, after(-1))).toMatchObject({ state: 'ignored' });
    expect(at(after(-1), after(-2))).toMatchObject({ state: 'ignored' });
  });

  it('is at most a day from when it was written', () => {
    expect(at(after(24), NOW)).toMatchObject({ state: 'active' });
    // Clocks are put right by up to a minute.
    const latest = after(24).getTime() + 60_000;
    expect(at(new Date(latest), NOW)).toMatchObject({ state: 'active' });
    expect(at(new Date(latest + 1), NOW)).toMatchObject({ state: 'ignored' });
    expect(at(after(24.1), NOW)).toMatchObject({ state: 'ignored' });
    expect(at(after(1), after(-22.9))).toMatchObject({ state: 'active' });
    expect(at(after(1), after(-23.1))).toMatchObject({ state: 'ignored' });
  });

  it('has not come for a file of the future, as after a clock that jumped back', () => {
    expect(at(after(2), after(0.01))).toMatchObject({ state: 'active' });
    const latest = NOW.getTime() + 60_000;
    expect(at(after(2), new Date(latest))).toMatchObject({ state: 'active' });
    expect(at(after(2), new Date(latest + 1))).toMatchObject({ state: 'ignored' });
    expect(at(after(2), after(0.1))).toMatchObject({
      state: 'ignored',
      error: { code: 'break_glass_invalid' },
    });
  });

  it('does not matter where the file is malformed', () => {
    expect(judgeBreakGlass({ bytes: Buffer.from('{}'), writtenAt: NOW }, NOW)).toMatchObject({
      state: 'ignored',
      error: { code: 'break_glass_invalid' },
    });
  });
});
