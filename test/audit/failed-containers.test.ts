// Which pods are told that they run an image that would be refused today.
import { describe, expect, it } from 'vitest';
import type { LedgerContainer } from '../../agent/audit/container.ts';
import { FailedContainers, RUNNING_FAILED } from '../../agent/audit/failed-containers.ts';
import type { LedgerImage } from '../../agent/audit/image-table.ts';
import type { Notice } from '../../agent/audit/notices.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { containerOf, digestOf, REPOSITORY } from './images.ts';

const LOOK_MS = 15_000;
const MINUTE_MS = 60_000;

function imageOf(state: LedgerImage['state'], n = 1): LedgerImage {
  const at = new Date('2026-08-22T10:00:00Z');
  return {
    ...{ repository: REPOSITORY, digest: digestOf(n), mediaType: '', size: 1, names: [] },
    ...{ firstSeen: at, lastSeen: at, since: at, verifiedAt: null },
    ...{ state, cause: 'pulled', arrival: 'pulled', pull: null },
    reverification: {
      ...{
        decision: 'deny',
        reason: 'certificate_revoked',
        message: 'the certificate was revoked',
      },
      ...{ inconclusive: false, mode: 'none', policy: 'production', signature: null, signer: null },
      ...{ policyHash: null, trustHash: null, time: at.toISOString(), durationMs: 1 },
    },
  };
}

function runningContainer(id: string, change: Partial<LedgerContainer> = {}): LedgerContainer {
  const { name, asked, pod, createdAt } = containerOf(id, { asked: 'app:1' });
  const image = { repository: REPOSITORY, digest: digestOf(1), controller: null };
  return { ...{ id, name, asked, pod, createdAt }, ...image, ...change };
}

async function running(body: (world: ReturnType<typeof open>) => Promise<void>): Promise<void> {
  const world = open();
  const ended = world.failed.run(world.stop.signal);
  try {
    await body(world);
  } finally {
    world.stop.abort();
    await ended;
  }
}

function open() {
  const clock = new FakeClock();
  const stop = new AbortController();
  const raised: Notice[] = [];
  const node = { images: [] as LedgerImage[], containers: [] as LedgerContainer[] };
  const failed = new FailedContainers({
    images: () => node.images,
    containers: () => node.containers,
    raise: (notice) => void raised.push(notice),
    clock,
  });
  const looked = async () => {
    failed.wake();
    await settle();
    await clock.advance(LOOK_MS);
    failed.wake();
    await settle();
  };
  return { clock, stop, raised, node, failed, looked };
}

describe('a container that runs a failed image', () => {
  it('is told on its pod, with the reason', () =>
    running(async ({ node, looked, raised }) => {
      node.images = [imageOf('failed')];
      node.containers = [runningContainer('a')];
      await looked();
      expect(raised).toEqual([
        {
          subject: {
            ...{ kind: 'Pod', uid: 'uid-a', namespace: 'shop', name: 'pod-a' },
            fieldPath: 'spec.containers{main}',
          },
          type: 'Warning',
          reason: RUNNING_FAILED,
          message:
            'Image "app:1" runs, but would be refused today (certificate_revoked): the certificate was revoked',
          about: `${REPOSITORY}@${digestOf(1)}`,
        },
      ]);
    }));

  it('is told once, and again before Kubernetes forgets it', () =>
    running(async ({ node, looked, raised, clock }) => {
      node.images = [imageOf('failed')];
      node.containers = [runningContainer('a')];
      for (let look = 0; look < 3; look += 1) await looked();
      expect(raised).toHaveLength(1);
      await clock.advance(50 * MINUTE_MS);
      await looked();
      expect(raised).toHaveLength(2);
    }));

  it('is told at once when it fails again after it did not', () =>
    running(async ({ node, looked, raised }) => {
      node.containers = [runningContainer('a')];
      for (const state of ['failed', 'verified', 'failed'] as const) {
        node.images = [imageOf(state)];
        await looked();
      }
      expect(raised).toHaveLength(2);
    }));

  it('is told once for a pod that runs it twice, and on each pod that runs it', () =>
    running(async ({ node, looked, raised }) => {
      node.images = [imageOf('failed')];
      const { pod } = runningContainer('a');
      node.containers = ['a', 'b'].map((id) => runningContainer(id, { pod }));
      node.containers.push(runningContainer('c'));
      await looked();
      expect(raised.map(({ subject: { name } }) => name)).toEqual(['pod-a', 'pod-c']);
    }));
});

describe('nobody is told', () => {
  it.each(['verified', 'stale', 'inconclusive', 'unverified'] as const)(
    'of an image that is %s',
    (state) =>
      running(async ({ node, looked, raised }) => {
        node.images = [imageOf(state)];
        node.containers = [runningContainer('a')];
        await looked();
        expect(raised).toEqual([]);
      }),
  );

  it.each<[string, Partial<LedgerContainer>]>([
    ['of another image', { digest: digestOf(2) }],
    ['of another repository with the same content', { repository: 'registry.example/other' }],
    ['of no pod', { pod: { uid: '', namespace: '', name: '' } }],
  ])('of a container %s', (_, change) =>
    running(async ({ node, looked, raised }) => {
      node.images = [imageOf('failed')];
      node.containers = [runningContainer('a', change)];
      await looked();
      expect(raised).toEqual([]);
    }),
  );
});
