// journald's stream protocol, as bytes.
import { describe, expect, it } from 'vitest';
import {
  encodeStreamHeader,
  encodeStreamLine,
} from '../../../agent/node/journald/stdout-stream.ts';

const STREAM = { identifier: 'nodeseal-verifier', unit: 'containerd.service', priority: 6 };

describe('a stream into the journal', () => {
  it('begins with seven header lines', () => {
    expect(encodeStreamHeader(STREAM).toString()).toBe(
      'nodeseal-verifier\ncontainerd.service\n6\n0\n0\n0\n0\n',
    );
  });

  it('goes on with a line for each entry', () => {
    expect(encodeStreamLine('hello').toString()).toBe('hello\n');
  });

  it.each([
    ['a line end in the line', () => encodeStreamLine('a\nb')],
    ['a NUL in the line', () => encodeStreamLine('a\0b')],
    ['a line end in the identifier', () => encodeStreamHeader({ ...STREAM, identifier: 'a\n' })],
    ['a priority that is none', () => encodeStreamHeader({ ...STREAM, priority: 8 })],
  ])('refuses %s', (_, encode) => {
    expect(encode).toThrow(TypeError);
  });
});
