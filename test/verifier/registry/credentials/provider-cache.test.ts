import { describe, expect, it } from 'vitest';
import { Keyring } from '../../../../agent/verifier/registry/credentials/keyring.ts';
import { ProviderCache } from '../../../../agent/verifier/registry/credentials/provider-cache.ts';

const RUN = { name: 'cloud', runAs: 'node' };
const APP = { registry: 'registry.example', repository: 'app' };
const OTHER = { registry: 'registry.example', repository: 'other' };
const ELSEWHERE = { registry: 'elsewhere.example', repository: 'app' };

const entry = (expiresAtMs = 1_000) => ({ keyring: new Keyring([]), expiresAtMs });

describe('an answer of a credential provider', () => {
  it.each([
    ['Image', [true, false, false]],
    ['Registry', [true, true, false]],
    ['Global', [true, true, true]],
  ] as const)('for %s is for no more', (type, covered) => {
    const cache = new ProviderCache();
    cache.put(RUN, type, APP, entry());
    const found = [APP, OTHER, ELSEWHERE].map((name) => cache.get(RUN, name, 0) !== undefined);
    expect(found).toEqual(covered);
  });

  it('is of one plugin, and of whom it was run for', () => {
    const cache = new ProviderCache();
    cache.put(RUN, 'Global', APP, entry());
    expect(cache.get(RUN, APP, 0)).toBeDefined();
    expect(cache.get({ ...RUN, name: 'other' }, APP, 0)).toBeUndefined();
    expect(cache.get({ ...RUN, runAs: 'a service account' }, APP, 0)).toBeUndefined();
  });

  it('for less comes first, and until it expires', () => {
    const cache = new ProviderCache();
    const [image, registry, all] = [entry(1_000), entry(2_000), entry(3_000)];
    cache.put(RUN, 'Global', APP, all);
    cache.put(RUN, 'Registry', APP, registry);
    cache.put(RUN, 'Image', APP, image);
    const at = (nowMs: number) => cache.get(RUN, APP, nowMs);
    expect(at(999)).toBe(image.keyring);
    expect(at(1_000)).toBe(registry.keyring);
    expect(at(1_999)).toBe(registry.keyring);
    expect(at(2_000)).toBe(all.keyring);
    expect(at(3_000)).toBeUndefined();
  });

  it('longest ago is forgotten when there are a thousand others', () => {
    const cache = new ProviderCache();
    const named = (index: number) => ({ ...APP, repository: `app-${index}` });
    const has = (index: number) => cache.get(RUN, named(index), 0) !== undefined;
    for (let index = 0; index < 1_000; index++) cache.put(RUN, 'Image', named(index), entry());
    cache.put(RUN, 'Image', named(0), entry());
    expect([has(0), has(1)]).toEqual([true, true]);
    cache.put(RUN, 'Image', named(1_000), entry());
    expect([has(0), has(1), has(2), has(1_000)]).toEqual([true, false, true, true]);
  });
});
