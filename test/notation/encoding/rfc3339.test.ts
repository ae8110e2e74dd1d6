// RFC 3339 times of signed attributes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRfc3339 } from '../../../agent/notation/encoding/rfc3339.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';

const parse = (text: string): Date =>
  parseRfc3339(text, { what: 'time', code: 'envelope_invalid' });

describe('parseRfc3339', () => {
  it.each([
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05.1Z', '2026-01-02T03:04:05.100Z'],
    ['2026-01-02T03:04:05.999999999Z', '2026-01-02T03:04:05.999Z'],
    [`2026-01-02T03:04:05.1${'9'.repeat(31)}Z`, '2026-01-02T03:04:05.199Z'],
    ['2026-01-02T03:04:05+05:30', '2026-01-01T21:34:05.000Z'],
    ['2025-12-31T23:30:00-01:00', '2026-01-01T00:30:00.000Z'],
    ['2024-02-29T00:00:00-00:00', '2024-02-29T00:00:00.000Z'],
  ])('reads %s', (text, iso) => {
    expect(parse(text).toISOString()).toBe(iso);
  });

  it.each([
    ['a day that the calendar does not have', '2025-02-29T00:00:00Z'],
    ['a thirteenth month', '2025-13-01T00:00:00Z'],
    ['hour 24', '2025-01-01T24:00:00Z'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['no zone', '2025-01-01T00:00:00'],
    ['no seconds', '2025-01-01T00:00Z'],
    ['a zone without a colon', '2025-01-01T00:00:00+0100'],
    ['a zone beyond a day', '2025-01-01T00:00:00+24:00'],
    ['lower case', '2025-01-01t00:00:00z'],
    ['a space for the T', '2025-01-01 00:00:00Z'],
    ['a fraction without digits', '2025-01-01T00:00:00.Z'],
    ['a fraction without end', `2025-01-01T00:00:00.${'1'.repeat(33)}Z`],
    ['a date alone', '2025-01-01'],
    ['text after it', '2025-01-01T00:00:00Z\n'],
    ['digits of another script', '٢025-01-01T00:00:00Z'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expectCode(() => parse(text), 'envelope_invalid');
  });

  it('reads back what Date writes, and throws only its own error', () => {
    const date = fc.date({
      min: new Date(0),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, fc.string(), (time, text) => {
        expect(parse(time.toISOString())).toEqual(time);
        valueOrAgentError(() => parse(text));
      }),
    );
  });
});
