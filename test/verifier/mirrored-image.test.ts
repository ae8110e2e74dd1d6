// An image whose registry has a mirror: whose signatures decide, and by which name.
import { describe, expect, it, onTestFinished } from 'vitest';
import { startTestRegistry } from '../support/registry.ts';
import { openBench, PAST, REPOSITORY } from './fixture.ts';
import { certsD } from './registry/hosts/fixture.ts';

async function openMirrored() {
  const mirror = await startTestRegistry();
  onTestFinished(() => mirror.close());
  const files: Record<string, string> = {};
  const bench = await openBench({ client: { hosts: certsD(files) } });
  files[`${bench.registry.host}/hosts.toml`] = `[host."${mirror.url}"]`;
  mirror.pushImage(REPOSITORY, 'latest');
  /** Moves what the registry was given to the mirror alone. */
  const move = () => {
    const [own, other] = [bench.registry, mirror].map(({ repositories }) =>
      repositories.get(REPOSITORY),
    );
    for (const kind of ['manifests', 'blobs', 'referrers'] as const) {
      for (const [name, value] of own?.[kind] ?? []) other?.[kind].set(name, value as never);
    }
    own?.referrers.clear();
  };
  return { bench, mirror, move };
}

describe('an image with a mirror', () => {
  it('is allowed by a signature at the mirror, under the name of its registry', async () => {
    const { bench, move } = await openMirrored();
    bench.sign();
    move();
    const verdict = await bench.verify();
    expect(verdict).toMatchObject({ decision: 'allow', repository: bench.repository });
    expect(bench.registry.requests).toEqual([]);
  });

  it('is allowed by a signature at the registry, though the mirror drops referrers', async () => {
    const { bench } = await openMirrored();
    bench.sign();
    expect(await bench.decide()).toBe('allow verified');
  });

  it('is allowed by a signature at the registry, though the mirror has an old one', async () => {
    const { bench, move } = await openMirrored();
    bench.sign({ expiry: PAST });
    move();
    bench.sign();
    expect(await bench.decide()).toBe('allow verified');
  });

  it('is refused for what the mirror has where the registry cannot be reached', async () => {
    const { bench, move } = await openMirrored();
    bench.sign({ expiry: PAST });
    move();
    bench.answerWith(500);
    expect(await bench.decide()).toBe('deny signature_expired');
  });

  it('is not said to be unsigned where the registry cannot tell', async () => {
    const { bench } = await openMirrored();
    bench.answerWith(403);
    expect(await bench.decide()).toBe('deny registry_denied, inconclusive');
    bench.registry.intercept = undefined;
    expect(await bench.decide()).toBe('deny signature_missing');
  });
});
