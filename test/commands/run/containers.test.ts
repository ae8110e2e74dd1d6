// What runs, followed from containerd's socket into the ledger, with an API server beside it and without.
import { status } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLedger } from '../../../agent/audit/ledger.ts';
import { SYSTEM_CLOCK } from '../../../agent/audit/clock.ts';
import { followRunning, type ListPods, podsOf } from '../../../agent/commands/run/containers.ts';
import { refusal, startFakeContainerd } from '../../support/fake-containerd.ts';
import { startKubernetesApi, statusOf } from '../../support/kubernetes-api.ts';
import { FakeClock } from '../../audit/fake-clock.ts';

const LIST = ['runtime.v1.RuntimeService', 'ListContainers'] as const;
const LABELS = {
  'io.kubernetes.pod.uid': 'u1',
  'io.kubernetes.pod.namespace': 'shop',
  'io.kubernetes.pod.name': 'cart-0',
};
const CONTAINER = { id: 'c1', state: 1, metadata: { name: 'main' }, labels: LABELS };

/** Follows until the test ends. */
async function follow(pods: ListPods | undefined, clock = SYSTEM_CLOCK) {
  const containerd = await startFakeContainerd();
  containerd.answer(...LIST, () => ({ containers: [CONTAINER] }));
  const ledger = openLedger(':memory:');
  const stop = new AbortController();
  const warnings: string[] = [];
  const codes: string[] = [];
  const following = followRunning(
    {
      ...{ socketPath: containerd.socketPath, ledger, pods, clock },
      metrics: { countError: (code) => codes.push(code) },
      log: { warn: (_: object, message: string) => warnings.push(message) } as never,
    },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await following;
    ledger.close();
    await containerd.stop();
  });
  return { containerd, ledger, warnings, codes };
}

async function openApi() {
  const api = await startKubernetesApi('node-1');
  const pods = podsOf({ nodeName: 'node-1' }, api.environment, api.serviceAccountDir);
  return { api, pods };
}

describe('what runs', () => {
  it('is known with its pod where no node is named', async () => {
    expect(podsOf({ nodeName: undefined }, {})).toBeUndefined();
    const { ledger, codes } = await follow(undefined);
    await expect
      .poll(() => ledger.containers.all())
      .toMatchObject([
        { id: 'c1', pod: { uid: 'u1', namespace: 'shop', name: 'cart-0' }, controller: null },
      ]);
    expect(codes).toEqual([]);
  });

  it('is known with what made its pod where an API server tells', async () => {
    const { api, pods } = await openApi();
    const owner = { kind: 'StatefulSet', name: 'cart', controller: true };
    api.intercept = (_, response) => {
      const items = [{ metadata: { uid: 'u1', ownerReferences: [owner] } }];
      response.end(JSON.stringify({ items }));
      return true;
    };
    const { ledger } = await follow(pods);
    await expect
      .poll(() => ledger.containers.all())
      .toMatchObject([{ id: 'c1', controller: { kind: 'StatefulSet', name: 'cart' } }]);
  });

  it('is known all the same where that refuses', async () => {
    const { api, pods } = await openApi();
    api.intercept = (_, response) => {
      const [code, body] = statusOf(403, 'pods is forbidden');
      response.writeHead(code).end(JSON.stringify(body));
      return true;
    };
    const { ledger, warnings, codes } = await follow(pods);
    await expect.poll(() => codes).toEqual(['kubernetes_failed']);
    expect(warnings).toEqual([expect.stringContaining('pods is forbidden')]);
    expect(ledger.containers.all()).toMatchObject([{ id: 'c1', controller: null }]);
  });

  it('warns once while containerd leaves CRI out, and counts each time', async () => {
    const clock = new FakeClock();
    const { containerd, ledger, warnings, codes } = await follow(undefined, clock);
    await expect.poll(() => ledger.containers.all()).toHaveLength(1);
    containerd.answer(...LIST, () => {
      throw refusal(status.UNIMPLEMENTED, 'unknown service');
    });
    for (const count of [1, 2, 3]) {
      await clock.advance(10 * 60 * 1000);
      await expect.poll(() => codes.length).toBeGreaterThanOrEqual(count);
    }
    expect(warnings).toEqual([expect.stringContaining('unknown service')]);
    expect(ledger.containers.all()).toHaveLength(1);
  });
});
