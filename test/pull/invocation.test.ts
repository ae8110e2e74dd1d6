import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../agent/errors.ts';
import { MAX_STDIN_BYTES, parseInvocation } from '../../agent/pull/invocation.ts';
import { expectCode } from '../support/expect-code.ts';
import { valueOrAgentError } from '../support/only-agent-errors.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const DESCRIPTOR = {
  mediaType: 'application/vnd.oci.image.index.v1+json',
  digest: DIGEST,
  size: 9,
};
const NAME = ['-name', 'registry.example/team/app:v1'];
const TYPE = ['-stdin-media-type', 'application/vnd.oci.descriptor.v1+json'];
const ARGS = [...NAME, '-digest', DIGEST, ...TYPE];
const STDIN = bytesOf(`${JSON.stringify(DESCRIPTOR)}\n`);
const EMPTY = bytesOf('');

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe('parseInvocation', () => {
  const good = { name: 'registry.example/team/app:v1', digest: DIGEST, descriptor: DESCRIPTOR };

  it('reads what containerd passes', () => {
    expect(parseInvocation(ARGS, STDIN)).toEqual(good);
  });

  it.each([
    ['flags in another order', [...TYPE, '-digest', DIGEST, ...NAME]],
    ['two dashes', ARGS.map((word) => (word.startsWith('-') ? `-${word}` : word))],
  ])('accepts %s', (_, args) => {
    expect(parseInvocation(args, STDIN)).toEqual(good);
  });

  it('accepts that there is no descriptor', () => {
    expect(parseInvocation(ARGS, EMPTY)).toEqual({ ...good, descriptor: undefined });
  });

  it.each<[string, readonly string[], ErrorCode]>([
    ['no flags', [], 'invocation_invalid'],
    ['no name', ['-digest', DIGEST, ...TYPE], 'invocation_invalid'],
    ['an empty name', ['-name', '', '-digest', DIGEST, ...TYPE], 'invocation_invalid'],
    ['no digest', [...NAME, ...TYPE], 'invocation_invalid'],
    ['no media type', [...NAME, '-digest', DIGEST], 'invocation_invalid'],
    [
      'another media type',
      [...NAME, '-digest', DIGEST, TYPE[0] ?? '', 'text/plain'],
      'invocation_invalid',
    ],
    ['a flag twice', [...ARGS, ...NAME], 'invocation_invalid'],
    ['a flag without a value', [...ARGS, '-name'], 'invocation_invalid'],
    ['an unknown flag', [...ARGS, '-policy', '/tmp/mine.json'], 'invocation_invalid'],
    ['a value joined by "="', [`-name=${NAME[1] ?? ''}`, ...ARGS.slice(2)], 'invocation_invalid'],
    ['a word too many', [...ARGS, 'extra'], 'invocation_invalid'],
    ['a digest that is none', [...NAME, '-digest', 'sha256:ab', ...TYPE], 'digest_invalid'],
  ])('refuses %s', (_, args, code) => {
    expectCode(() => parseInvocation(args, STDIN), code);
  });

  it.each<[string, Uint8Array, ErrorCode]>([
    ['text', bytesOf('hello'), 'invocation_invalid'],
    ['invalid UTF-8', Buffer.concat([STDIN.subarray(0, 9), Buffer.of(0xff)]), 'invocation_invalid'],
    ['two descriptors', Buffer.concat([STDIN, STDIN]), 'invocation_invalid'],
    ['an array', bytesOf('[]'), 'descriptor_invalid'],
    ['no size', bytesOf(JSON.stringify({ ...DESCRIPTOR, size: undefined })), 'descriptor_invalid'],
    [
      'the descriptor of another image',
      bytesOf(JSON.stringify({ ...DESCRIPTOR, digest: DIGEST.replaceAll('ab', 'cd') })),
      'invocation_invalid',
    ],
    ['too much', Buffer.concat([STDIN, Buffer.alloc(MAX_STDIN_BYTES, ' ')]), 'invocation_invalid'],
  ])('refuses %s on standard input', (_, stdin, code) => {
    expectCode(() => parseInvocation(ARGS, stdin), code);
  });

  it('accepts as much on standard input as is allowed', () => {
    const padding = Buffer.alloc(MAX_STDIN_BYTES - STDIN.length, ' ');
    expect(parseInvocation(ARGS, Buffer.concat([STDIN, padding]))).toEqual(good);
  });

  it('returns an invocation or throws an error of ours, whatever it is called with', () => {
    const word = fc.oneof(fc.constantFrom(...ARGS), fc.string());
    const stdin = fc.oneof(fc.uint8Array(), fc.json().map(bytesOf), fc.constant(STDIN));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), stdin, (args, bytes) => {
        valueOrAgentError(() => parseInvocation(args, bytes));
      }),
    );
  });
});
