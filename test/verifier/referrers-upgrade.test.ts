// A registry that had no referrers API a while ago: how many requests that saves, and what it must not hide.
import { describe, expect, it } from 'vitest';
import { SignatureCache } from '../../agent/verifier/signature-cache.ts';
import { IMAGE_INDEX } from '../support/registry.ts';
import { type Bench, openBench, PAST, REPOSITORY } from './fixture.ts';

/** Parts of the paths of all requests since the last call. */
function asked({ registry }: Bench): string[] {
  return registry.requests
    .splice(0)
    .map(({ path }) => /(referrers|manifests\/sha256[:-]|blobs)/.exec(path)?.[0] ?? path);
}

/** Takes the API away, or gives it back. */
function withApi(bench: Bench, there: boolean): void {
  if (there) bench.registry.intercept = undefined;
  else bench.answerWith(404, '/referrers/');
}

describe('an image in a registry without the referrers API', () => {
  it('costs one request once it is known, and none for its signature', async () => {
    const bench = await openBench({ registry: { referrers: false } });
    const parts = { signatures: new SignatureCache() };
    bench.sign();
    expect(await bench.decide({ parts })).toBe('allow verified');
    expect(asked(bench)).toEqual(['referrers', 'manifests/sha256-', 'manifests/sha256:', 'blobs']);
    expect(await bench.decide({ parts })).toBe('allow verified');
    expect(asked(bench)).toEqual(['manifests/sha256-']);
  });

  it('is not refused for what the tag lists before the API was asked again', async () => {
    const bench = await openBench({ registry: { referrers: false } });
    const parts = { signatures: new SignatureCache() };
    bench.sign({ expiry: PAST });
    expect(await bench.decide({ parts })).toBe('deny signature_expired');
    asked(bench);
    expect(await bench.decide({ parts })).toBe('deny signature_expired');
    expect(asked(bench)).toEqual(['manifests/sha256-', 'referrers']);
  });

  it('is inconclusive when the API fails at that moment', async () => {
    const bench = await openBench({ registry: { referrers: false } });
    bench.sign({ expiry: PAST });
    expect(await bench.decide()).toBe('deny signature_expired');
    bench.answerWith(503, '/referrers/');
    expect(await bench.decide()).toBe('deny registry_failed, inconclusive');
  });
});

describe('an image in a registry that was given the referrers API since', () => {
  it('is allowed by a signature that only the API lists', async () => {
    const bench = await openBench({ registry: { referrers: true } });
    const expired = bench.sign({ expiry: PAST });
    // What somebody keeps under the tag, for the time without the API.
    const index = { schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [expired] };
    const tag = bench.image.digest.replace(':', '-');
    bench.registry.pushManifest(REPOSITORY, index, { mediaType: IMAGE_INDEX, tag });
    withApi(bench, false);
    expect(await bench.decide()).toBe('deny signature_expired');
    withApi(bench, true);
    const { digest } = bench.sign();
    asked(bench);
    const verdict = await bench.verify();
    expect(verdict).toMatchObject({ decision: 'allow', signature: digest });
    // The one that both list is looked at once.
    expect(verdict.skippedSignatures.count).toBe(1);
    expect(asked(bench).filter((path) => path === 'referrers')).toHaveLength(1);
    expect(await bench.decide()).toBe('allow verified');
    expect(asked(bench)[0]).toBe('referrers');
  });
});
