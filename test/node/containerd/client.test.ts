import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { status } from '@grpc/grpc-js';
import {
  type ContainerdClient,
  createContainerdClient,
  MAX_MESSAGE_BYTES,
  statusOf,
} from '../../../agent/node/containerd/client.ts';
import {
  fetchCriVersion,
  listCriImages,
  pullImage,
  removeImage,
} from '../../../agent/node/containerd/cri.ts';
import { listImages } from '../../../agent/node/containerd/images.ts';
import { fetchVersion } from '../../../agent/node/containerd/version.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import {
  type FakeContainerd,
  refusal,
  startFakeContainerd,
} from '../../support/fake-containerd.ts';

const CRI_IMAGES = 'runtime.v1.ImageService';

let fake: FakeContainerd;
let client: ContainerdClient;
beforeEach(async () => {
  fake = await startFakeContainerd();
  client = createContainerdClient(fake.socketPath);
});
afterEach(async () => {
  client.close();
  await fake.stop();
});

describe('a call', () => {
  it('says which socket does not answer', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'nodeseal-'));
    const nobody = createContainerdClient(join(directory, 'absent.sock'));
    const error = await expectCodeAsync(fetchVersion(nobody), 'containerd_unavailable');
    expect(error.message).toContain(join(directory, 'absent.sock'));
    expect(error.message).toContain('UNAVAILABLE');
    expect(statusOf(error)).toBe('UNAVAILABLE');
    nobody.close();
    await rm(directory, { recursive: true });
  });

  it('is given up at its deadline', async () => {
    fake.silence(CRI_IMAGES, 'PullImage');
    const error = await expectCodeAsync(
      pullImage(client, 'registry.example/app:1', { timeoutMs: 50 }),
      'containerd_unavailable',
    );
    expect(statusOf(error)).toBe('DEADLINE_EXCEEDED');
  });

  it('is given up when its signal aborts, also before it starts', async () => {
    fake.silence(CRI_IMAGES, 'PullImage');
    const abort = new AbortController();
    const pulling = pullImage(client, 'registry.example/app:1', { signal: abort.signal });
    abort.abort();
    expect(statusOf(await expectCodeAsync(pulling, 'containerd_unavailable'))).toBe('CANCELLED');
    const late = pullImage(client, 'registry.example/app:1', { signal: abort.signal });
    expect(statusOf(await expectCodeAsync(late, 'containerd_unavailable'))).toBe('CANCELLED');
  });

  it('fails when the client is closed, before it or under it', async () => {
    fake.silence(CRI_IMAGES, 'PullImage');
    const pulling = pullImage(client, 'registry.example/app:1');
    client.close();
    await expectCodeAsync(pulling, 'containerd_unavailable');
    await expectCodeAsync(fetchVersion(client), 'containerd_unavailable');
  });

  it('works again after containerd came back', async () => {
    const version = { version: '2.1.9', revision: 'abc' };
    fake.answer('containerd.services.version.v1.Version', 'Version', () => version);
    expect(await fetchVersion(client)).toEqual(version);
    await fake.restart();
    await expect.poll(() => fetchVersion(client)).toEqual(version);
  });

  it('refuses an answer beyond the bound', async () => {
    const name = 'n'.repeat(1024 * 1024);
    const images = Array.from({ length: MAX_MESSAGE_BYTES / name.length + 1 }, () => ({ name }));
    fake.answer('containerd.services.images.v1.Images', 'List', () => ({ images }));
    const error = await expectCodeAsync(listImages(client), 'containerd_failed');
    expect(statusOf(error)).toBe('RESOURCE_EXHAUSTED');
  });
});

describe('CRI', () => {
  it('pulls an image by the name it is given', async () => {
    fake.answer(CRI_IMAGES, 'PullImage', () => ({ imageRef: 'sha256:00' }));
    expect(await pullImage(client, 'registry.example/app:1')).toBe('sha256:00');
    expect(fake.seen.at(-1)?.request).toMatchObject({ image: { image: 'registry.example/app:1' } });
  });

  it('keeps the status and the whole text of a refused pull', async () => {
    const details = `failed to pull and unpack image "x": image verifier bindir blocked pull of x for reason: ${'é"\\'.repeat(300)} end`;
    fake.answer(CRI_IMAGES, 'PullImage', () => {
      throw refusal(status.UNKNOWN, details);
    });
    const error = await expectCodeAsync(pullImage(client, 'x'), 'containerd_failed');
    expect(error.message).toContain('UNKNOWN');
    expect(error.message).toContain(details);
  });

  it('lists and removes images and names the runtime', async () => {
    fake.answer(CRI_IMAGES, 'ListImages', () => ({
      images: [{ id: 'sha256:01', repoTags: ['a:1'], repoDigests: [], size: '12', pinned: true }],
    }));
    fake.answer(CRI_IMAGES, 'RemoveImage', () => ({}));
    fake.answer('runtime.v1.RuntimeService', 'Version', () => ({
      version: '0.1.0',
      runtimeName: 'containerd',
      runtimeVersion: '2.1.9',
      runtimeApiVersion: 'v1',
    }));
    expect(await listCriImages(client)).toEqual([
      { id: 'sha256:01', repoTags: ['a:1'], repoDigests: [], sizeBytes: 12, pinned: true },
    ]);
    await removeImage(client, 'a:1');
    expect(fake.seen.at(-1)?.request).toMatchObject({ image: { image: 'a:1' } });
    expect(await fetchCriVersion(client)).toEqual({
      runtimeName: 'containerd',
      runtimeVersion: '2.1.9',
      runtimeApiVersion: 'v1',
    });
  });
});
