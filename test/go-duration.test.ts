import { describe, expect, it } from 'vitest';
import { parseGoDuration } from '../agent/go-duration.ts';

describe('a duration of Go', () => {
  it.each([
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1h0m0.5s', 3_600_500],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1_000],
    ['300ms', 300],
    ['1500us', 1.5],
    ['2µs', 0.002],
    ['2μs', 0.002],
    ['-1s', -1_000],
    ['+1s', 1_000],
    ['0', 0],
    ['-0', -0],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseGoDuration(text)).toBeCloseTo(ms, 9);
  });

  it.each([
    '',
    '10',
    's',
    '10 s',
    '10S',
    '1d',
    '1s2',
    '--1s',
    '.s',
    '1e3s',
    ' 1s',
    '1s\n',
    '1.2.3s',
  ])('%j is none', (text) => {
    expect(parseGoDuration(text)).toBeNull();
  });
});
