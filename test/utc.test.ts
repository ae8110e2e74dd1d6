import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { httpTime, isoTime } from '../agent/utc.ts';

const anyDate = fc.date({ noInvalidDate: true });
const ofFourDigits = fc.date({
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});

describe('a time as text', () => {
  it('is what toISOString writes', () => {
    fc.assert(fc.property(anyDate, (date) => isoTime(date) === date.toISOString()));
    fc.assert(fc.property(ofFourDigits, (date) => isoTime(date) === date.toISOString()));
  });

  it.each([
    -8.64e15, -62_198_755_200_001, -62_167_219_200_001, -1, 0, 253_402_300_800_000, 8.64e15,
  ])('is so at the edges: %d', (ms) => {
    expect(isoTime(new Date(ms))).toBe(new Date(ms).toISOString());
  });

  it('is what toUTCString writes, as HTTP has it', () => {
    fc.assert(fc.property(ofFourDigits, (date) => httpTime(date) === date.toUTCString()));
  });

  it.each([isoTime, httpTime])('is not made of an invalid date by %o', (write) => {
    expect(() => write(new Date(NaN))).toThrow(RangeError);
  });
});
