import { describe, expect, it } from 'vitest';
import type { ImageSource } from '../../../agent/audit/inventory.ts';
import type { JournalReading } from '../../../agent/audit/journal-reading.ts';
import { exceptCanary, withoutCanary } from '../../../agent/commands/run/canary.ts';
import { OwnImages } from '../../../agent/enforcement/own-images.ts';
import type { Descriptor } from '../../../agent/oci/descriptor.ts';
import type { Digest } from '../../../agent/oci/digest.ts';
import { contentOf } from '../../enforcement/fixture.ts';
import { verdictOf } from '../../support/verdict.ts';

const NEVER = new AbortController().signal;
const DIGEST: Digest = `sha256:${'ab'.repeat(32)}`;
const content = contentOf();
const { path, descriptor, configDigest } = content.images.signed;
const NAME = `127.0.0.1:5000/${path}@${descriptor.digest}`;
const own = new OwnImages();
own.remember(content);

const OWN_RECORDS = [
  { name: NAME, target: descriptor },
  { name: configDigest, target: descriptor },
];
/** Named like the canary, with content of its own. */
const FOREIGN = {
  name: `127.0.0.1:5000/${path}@${DIGEST}`,
  target: { ...descriptor, digest: DIGEST } satisfies Descriptor,
};

function sourceOf(images: readonly { name: string; target: Descriptor }[]): ImageSource {
  return {
    async *events() {
      yield* images.map(({ name }) => ({ kind: 'created' as const, name }));
      await Promise.resolve();
    },
    list: () => Promise.resolve({ images, invalid: [] }),
    get: (wanted) => Promise.resolve(images.find(({ name }) => name === wanted) ?? null),
  };
}

describe('the images of the node', () => {
  const source = withoutCanary(sourceOf([...OWN_RECORDS, FOREIGN]), own);

  it('are without the canary, under each of its names', async () => {
    expect((await source.list(NEVER)).images).toEqual([FOREIGN]);
    for (const { name } of OWN_RECORDS) expect(await source.get(name, NEVER)).toBeNull();
  });

  it('are with what is only named like it', async () => {
    expect(await source.get(FOREIGN.name, NEVER)).toEqual(FOREIGN);
    expect(await source.get('example.io/absent:1', NEVER)).toBeNull();
  });

  it('are told of by every event', async () => {
    const names: string[] = [];
    for await (const { name } of source.events(NEVER)) names.push(name);
    expect(names).toHaveLength(3);
  });
});

describe('what the journal tells', () => {
  const verdict = (digest: Digest | null): JournalReading => ({
    kind: 'verdict',
    verdict: verdictOf({ digest }),
  });
  const event = (name: string): JournalReading => ({
    kind: 'containerd',
    event: { kind: 'pull_blocked', name },
  });

  it('of a canary is nothing', () => {
    for (const reading of [verdict(descriptor.digest), event(NAME), event(configDigest)]) {
      expect(exceptCanary(reading, own)).toEqual({ kind: 'nothing' });
    }
  });

  it.each<JournalReading>([
    verdict(DIGEST),
    verdict(null),
    event(FOREIGN.name),
    event('example.io/app:1'),
    { kind: 'containerd', event: { kind: 'containerd_booted' } },
    { kind: 'untrusted_verdict' },
    { kind: 'nothing' },
  ])('of anything else is what it was', (reading) => {
    expect(exceptCanary(reading, own)).toBe(reading);
  });
});
