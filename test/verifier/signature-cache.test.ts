// Envelopes kept within a bound, and fetched once.
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../agent/oci/digest.ts';
import { SignatureCache } from '../../agent/verifier/signature-cache.ts';
import type { SignatureContent } from '../../agent/verifier/signature-content.ts';

const REPOSITORY = { registry: 'example.io', repository: 'app' };

function digest(digit: string): Digest {
  return `sha256:${digit.repeat(64)}`;
}

function key(digit: string) {
  return { repository: REPOSITORY, image: digest('a'), signature: digest(digit) };
}

function signature(digit: string, bytes: number): SignatureContent {
  return {
    digest: digest(digit),
    mediaType: 'application/cose',
    // Both count.
    envelope: new Uint8Array(bytes - 4),
    manifest: new Uint8Array(4),
    manifestType: 'application/vnd.oci.image.manifest.v1+json',
  };
}

describe('SignatureCache', () => {
  it('gives back what was put', () => {
    const cache = new SignatureCache();
    const kept = signature('1', 10);
    cache.put(key('1'), kept);
    expect(cache.get(key('1'))).toEqual(kept);
  });

  it('knows a signature only of the image and repository that it was checked for', () => {
    const cache = new SignatureCache();
    cache.put(key('1'), signature('1', 10));
    expect(cache.get({ ...key('1'), image: digest('b') })).toBeUndefined();
    const repository = { ...REPOSITORY, repository: 'other' };
    expect(cache.get({ ...key('1'), repository })).toBeUndefined();
  });

  it('forgets what was used longest ago once it holds too many bytes', () => {
    const cache = new SignatureCache(30);
    for (const digit of ['1', '2', '3']) cache.put(key(digit), signature(digit, 10));
    cache.get(key('1'));
    cache.put(key('4'), signature('4', 10));
    const kept = ['1', '2', '3', '4'].filter((digit) => cache.get(key(digit)) !== undefined);
    expect(kept).toEqual(['1', '3', '4']);
  });

  it('counts a signature that is put again once', () => {
    const cache = new SignatureCache(30);
    cache.put(key('1'), signature('1', 20));
    cache.put(key('1'), signature('1', 20));
    cache.put(key('2'), signature('2', 10));
    expect(cache.get(key('1'))).toBeDefined();
  });

  it('does not keep what is larger than the whole cache, nor drops others for it', () => {
    const cache = new SignatureCache(30);
    cache.put(key('1'), signature('1', 30));
    cache.put(key('2'), signature('2', 31));
    expect(cache.get(key('2'))).toBeUndefined();
    expect(cache.get(key('1'))).toBeDefined();
  });
});
