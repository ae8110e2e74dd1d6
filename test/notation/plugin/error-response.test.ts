// What is told of a plugin that failed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  describeErrorResponse,
  MAX_ERROR_BYTES,
} from '../../../agent/notation/plugin/error-response.ts';

const describeText = (text: string) => describeErrorResponse(Buffer.from(text));

describe('an error response', () => {
  it.each([
    ['{"errorCode":"ACCESS_DENIED","errorMessage":"not you"}', 'ACCESS_DENIED: "not you"'],
    ['{"errorCode":"TIMEOUT"}', 'TIMEOUT'],
    [
      '{"errorCode":"ERROR","errorMessage":"a\\nb","errorMetadata":{"token":"secret"}}\n',
      String.raw`ERROR: "a\nb"`,
    ],
    ['', 'no error message'],
    [' \n', 'no error message'],
    ['panic: nil map\n', '"panic: nil map"'],
    ['{"errorMessage":"no code"}', String.raw`"{\"errorMessage\":\"no code\"}"`],
    ['{"errorCode":""}', String.raw`"{\"errorCode\":\"\"}"`],
    ['{"errorCode":7}', String.raw`"{\"errorCode\":7}"`],
    ['[]', '"[]"'],
    ['{"errorCode":"\\u001b[2J"}', '\\u{1b}[2J'],
  ])('%s is told as %s', (text, told) => {
    expect(describeText(text)).toBe(told);
  });

  it('is told in a line of bounded length, whatever it is', () => {
    const long = JSON.stringify({ errorCode: 'X'.repeat(999), errorMessage: 'y'.repeat(9999) });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }),
      fc
        .constantFrom(long, ' '.repeat(MAX_ERROR_BYTES + 1), '['.repeat(9999))
        .map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, (stderr) => {
        const told = describeErrorResponse(stderr);
        expect(told).toMatch(/^[^\p{C}\n]+$/u);
        expect(told.length).toBeLessThan(2000);
      }),
    );
  });
});
