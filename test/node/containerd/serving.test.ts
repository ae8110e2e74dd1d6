// Waiting until containerd serves as well as before, against one that does not.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../../agent/node/containerd/client.ts';
import { fetchPluginFaults, waitUntilServing } from '../../../agent/node/containerd/serving.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { type FakeContainerd, startFakeContainerd } from '../../support/fake-containerd.ts';

const SERVICE = 'containerd.services.introspection.v1.Introspection';
const SIGNAL = new AbortController().signal;
const SKIPPED = { type: 'io.containerd.snapshotter.v1', id: 'btrfs', initErr: { message: 'skip' } };
const GOOD = { type: 'io.containerd.cri.v1', id: 'images', initErr: null };
const BAD = { ...GOOD, initErr: { message: 'bad\nthing' } };

describe('waiting for containerd', () => {
  let fake: FakeContainerd;
  let client: ContainerdClient;

  beforeEach(async () => {
    fake = await startFakeContainerd();
    client = createContainerdClient(fake.socketPath);
    fake.answer(SERVICE, 'Plugins', () => ({ plugins: [GOOD, SKIPPED] }));
  });

  afterEach(async () => {
    client.close();
    await fake.stop();
  });

  it('ends when its plugins are loaded as they were', async () => {
    const before = await fetchPluginFaults(client);
    expect([...before]).toEqual([['io.containerd.snapshotter.v1.btrfs', 'skip']]);
    const waiting = waitUntilServing(client, before, SIGNAL);
    await fake.restart();
    await waiting;
  });

  it('fails when one is not that was', async () => {
    const before = await fetchPluginFaults(client);
    fake.answer(SERVICE, 'Plugins', () => ({ plugins: [BAD, SKIPPED] }));
    const waiting = waitUntilServing(client, before, SIGNAL);
    const { message } = await expectCodeAsync(waiting, 'containerd_failed');
    expect(message).toContain('io.containerd.cri.v1.images: bad\\u{a}thing');
    expect(message).not.toContain('btrfs');
  });

  it('fails when nothing answers in time, or the caller gives up', async () => {
    fake.silence(SERVICE, 'Plugins');
    const waiting = waitUntilServing(client, new Map(), SIGNAL, 200);
    await expectCodeAsync(waiting, 'containerd_unavailable');
    const given = waitUntilServing(client, new Map(), AbortSignal.abort());
    await expectCodeAsync(given, 'containerd_unavailable');
  });
});
