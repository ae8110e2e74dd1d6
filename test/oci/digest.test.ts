// Digests: which strings are accepted as one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestAlgorithm, isDigest, parseDigest } from '../../agent/oci/digest.ts';
import { expectCode } from '../support/expect-code.ts';

const SHA256 = `sha256:${'0a'.repeat(32)}`;
const SHA512 = `sha512:${'0a'.repeat(64)}`;

describe('parseDigest', () => {
  it('accepts sha256 and sha512 and tells them apart', () => {
    expect(digestAlgorithm(parseDigest(SHA256))).toBe('sha256');
    expect(digestAlgorithm(parseDigest(SHA512))).toBe('sha512');
  });

  it.each([
    ['a value one digit short', SHA256.slice(0, -1)],
    ['a value one digit long', `${SHA256}0`],
    ['the length of the other algorithm', SHA512.replace('sha512', 'sha256')],
    ['upper-case digits', SHA256.toUpperCase().replace('SHA256', 'sha256')],
    ['an upper-case algorithm', SHA256.replace('sha256', 'SHA256')],
    ['a weak algorithm', `md5:${'0a'.repeat(16)}`],
    ['an unknown algorithm', `sha384:${'0a'.repeat(48)}`],
    ['a trailing newline', `${SHA256}\n`],
    ['a leading space', ` ${SHA256}`],
    ['no algorithm', '0a'.repeat(32)],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expectCode(() => parseDigest(text), 'digest_invalid');
  });

  it('names the object in the message and cuts what it found', () => {
    const error = expectCode(() => parseDigest('x'.repeat(10_000), 'layer 3'), 'digest_invalid');
    expect(error.message).toMatch(/^layer 3: expected sha256:/);
    expect(error.message.length).toBeLessThan(400);
  });

  it('returns its argument or throws an AgentError, as isDigest says', () => {
    const almost = fc.stringMatching(/^(sha256|sha512|md5):[0-9a-f]{60,66}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), almost), (text) => {
        if (isDigest(text)) expect(parseDigest(text)).toBe(text);
        else expectCode(() => parseDigest(text), 'digest_invalid');
      }),
    );
  });
});
