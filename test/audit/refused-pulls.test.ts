// Which pods are told that their image was refused.
import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../../agent/audit/history-record.ts';
import type { Notice } from '../../agent/audit/notices.ts';
import { REFUSED, RefusedPulls, type WaitingContainer } from '../../agent/audit/refused-pulls.ts';
import { AgentError } from '../../agent/errors.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { pullOf } from './history-records.ts';

const FAULT = new AgentError('kubernetes_failed', 'found 503');
const LOOK_MS = 3000;

function waitingOn(image: string, name = 'web'): WaitingContainer {
  const pod = { uid: `uid-${name}`, namespace: 'shop', name };
  return { image, pod, fieldPath: 'spec.containers{app}' };
}

async function running(body: (world: ReturnType<typeof open>) => Promise<void>): Promise<void> {
  const world = open();
  const ended = world.pulls.run(world.stop.signal);
  await settle();
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
  const lines: HistoryEntry[] = [];
  const raised: Notice[] = [];
  const scopes: string[] = [];
  const incidents: string[] = [];
  const api = { waiting: [] as WaitingContainer[], fault: undefined as Error | undefined };
  const pulls = new RefusedPulls({
    history: {
      lastId: () => lines.length,
      after: (id, _filter, limit) => lines.filter((line) => line.id > id).slice(0, limit),
    },
    waiting: (scope) => {
      scopes.push(scope);
      return api.fault === undefined ? Promise.resolve(api.waiting) : Promise.reject(api.fault);
    },
    raise: (notice) => void raised.push(notice),
    onIncident: ({ message }) => void incidents.push(message),
    clock,
  });
  const pulled = async (name: string, admitted = false) => {
    const record = pullOf({
      name,
      decision: 'deny',
      reason: 'signature_missing',
      message: 'it has no signature',
    });
    lines.push({ ...record, id: lines.length + 1, admitted, cause: null });
    pulls.wake();
    await settle();
  };
  return { clock, stop, lines, raised, scopes, incidents, api, pulls, pulled };
}

describe('a refused pull', () => {
  it('is told on the pods that wait for its image, and on no other', () =>
    running(async ({ api, pulled, clock, raised }) => {
      api.waiting = [
        waitingOn('registry.example/app:1'),
        waitingOn('registry.example/app:1', 'web-2'),
        waitingOn('registry.example/app:2', 'other'),
      ];
      await pulled('registry.example/app:1');
      expect(raised).toEqual([]);
      await clock.advance(LOOK_MS);
      expect(raised.map(({ subject: { name } }) => name)).toEqual(['web', 'web-2']);
      expect(raised[0]).toEqual({
        subject: {
          ...{ kind: 'Pod', uid: 'uid-web', namespace: 'shop', name: 'web' },
          fieldPath: 'spec.containers{app}',
        },
        type: 'Warning',
        reason: REFUSED,
        message:
          'Image "registry.example/app:1" was refused (signature_missing): it has no signature',
        about: 'registry.example/app:1',
      });
    }));

  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['acme/app:1', 'docker.io/acme/app:1'],
    ['registry.example/app:1@sha256:ab', 'registry.example/app@sha256:ab'],
  ])('of what a pod calls %s is found as %s', (image, name) =>
    running(async ({ api, pulled, clock, raised }) => {
      api.waiting = [waitingOn(image)];
      await pulled(name);
      await clock.advance(LOOK_MS);
      expect(raised.map(({ about }) => about)).toEqual([image]);
    }),
  );

  it('is told again when it is refused again', () =>
    running(async ({ api, pulled, clock, raised }) => {
      api.waiting = [waitingOn('registry.example/app:1')];
      for (let time = 0; time < 2; time += 1) {
        await pulled('registry.example/app:1');
        await clock.advance(LOOK_MS);
      }
      expect(raised).toHaveLength(2);
    }));

  it('is looked for until kubelet says that the pod waits, then among all pods', () =>
    running(async ({ api, pulled, clock, raised, scopes }) => {
      await pulled('registry.example/app:1');
      await clock.advance(LOOK_MS);
      api.waiting = [waitingOn('registry.example/app:1')];
      await clock.advance(LOOK_MS);
      expect(raised).toHaveLength(1);
      await clock.advance(LOOK_MS);
      expect(scopes).toEqual(['pending', 'all']);
    }));

  it('of nobody in Kubernetes is given up, and nothing is asked any more', () =>
    running(async ({ pulled, clock, raised, scopes }) => {
      await pulled('registry.example/app:1');
      for (let look = 0; look < 20; look += 1) await clock.advance(LOOK_MS);
      expect(raised).toEqual([]);
      expect(scopes).toHaveLength(6);
    }));

  it('is told although the API server failed before', () =>
    running(async ({ api, pulled, clock, raised, incidents }) => {
      api.waiting = [waitingOn('registry.example/app:1')];
      api.fault = FAULT;
      await pulled('registry.example/app:1');
      await clock.advance(LOOK_MS);
      api.fault = undefined;
      await clock.advance(LOOK_MS);
      expect(incidents).toEqual(['found 503']);
      expect(raised).toHaveLength(1);
    }));

  it('is sought for so many names and no more', () =>
    running(async ({ api, lines, pulled, clock, raised }) => {
      for (let index = 0; index < 150; index += 1) {
        await pulled(`registry.example/app:${index}`);
      }
      expect(lines).toHaveLength(150);
      await clock.advance(LOOK_MS);
      api.waiting = lines.map(({ name }, index) => waitingOn(name, `web-${index}`));
      await clock.advance(LOOK_MS);
      expect(raised).toHaveLength(100);
    }));
});

describe('a pull that was let in', () => {
  it('is told nobody, and nobody is asked', () =>
    running(async ({ api, pulled, clock, raised, scopes }) => {
      api.waiting = [waitingOn('registry.example/app:1')];
      await pulled('registry.example/app:1', true);
      await clock.advance(LOOK_MS);
      expect({ raised, scopes }).toEqual({ raised: [], scopes: [] });
    }));
});
