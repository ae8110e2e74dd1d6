// journald's stream protocol, as bytes.
import { describe, expect, it } from 'vitest';
import { encodeStdoutStream } from '../../../agent/node/journald/stdout-stream.ts';

const STREAM = { identifier: 'nodeseal-verifier', unit: 'containerd.service', priority: 6 };

describe('encodeStdoutStream', () => {
  it('writes seven header lines and the line', () => {
    expect(encodeStdoutStream(STREAM, 'hello').toString()).toBe(
      'nodeseal-verifier\ncontainerd.service\n6\n0\n0\n0\n0\nhello\n',
    );
  });

  it.each([
    ['a line end in the line', () => encodeStdoutStream(STREAM, 'a\nb')],
    ['a NUL in the line', () => encodeStdoutStream(STREAM, 'a\0b')],
    [
      'a line end in the identifier',
      () => encodeStdoutStream({ ...STREAM, identifier: 'a\n' }, ''),
    ],
    ['a priority that is none', () => encodeStdoutStream({ ...STREAM, priority: 8 }, '')],
  ])('refuses %s', (_, encode) => {
    expect(encode).toThrow(TypeError);
  });
});
