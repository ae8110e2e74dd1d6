import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../../agent/node/containerd/client.ts';
import { listPodContainers } from '../../../agent/node/containerd/containers.ts';
import { METHODS } from '../../../agent/node/containerd/descriptors.ts';
import { type FakeContainerd, startFakeContainerd } from '../../support/fake-containerd.ts';
import { protoField as field } from '../../support/proto-field.ts';

const NO_POD = { uid: '', namespace: '', name: '' };

let fake: FakeContainerd;
let client: ContainerdClient;
beforeAll(async () => {
  fake = await startFakeContainerd();
  client = createContainerdClient(fake.socketPath);
});
afterAll(async () => {
  client.close();
  await fake.stop();
});

const list = async (...containers: readonly object[]) => {
  fake.answer('runtime.v1.RuntimeService', 'ListContainers', () => ({ containers }));
  return listPodContainers(client);
};

describe('the containers of the node', () => {
  it('are those that have not exited', async () => {
    const found = await list(
      ...[0, 1, 2, 3].map((state) => ({ id: `c${state}`, state, imageRef: 'sha256:01' })),
    );
    expect(found.map(({ id }) => id)).toEqual(['c0', 'c1', 'c3']);
  });

  it('tell their pod, what they run and what was asked for', async () => {
    const labels = {
      'io.kubernetes.pod.uid': 'u1',
      'io.kubernetes.pod.namespace': 'shop',
      'io.kubernetes.pod.name': 'cart-0',
    };
    const image = { image: 'sha256:01', userSpecifiedImage: 'app:1' };
    const createdAt = '1700000000005000000';
    expect(
      await list({
        ...{ id: 'c1', state: 1, metadata: { name: 'main' }, imageRef: 'sha256:01', labels },
        ...{ image, createdAt },
      }),
    ).toEqual([
      {
        ...{ id: 'c1', name: 'main', images: ['sha256:01', 'sha256:01'], asked: 'app:1' },
        pod: { uid: 'u1', namespace: 'shop', name: 'cart-0' },
        createdAt: new Date(1_700_000_000_005),
      },
    ]);
  });

  it('are listed also where little is told of them', async () => {
    expect(
      await list({ id: 'bare', state: 1 }, { id: 'image', state: 1, image: { image: 'a:1' } }),
    ).toEqual([
      { id: 'bare', name: '', images: [], asked: '', pod: NO_POD, createdAt: null },
      { id: 'image', name: '', images: ['a:1'], asked: 'a:1', pod: NO_POD, createdAt: null },
    ]);
  });

  it('tell no time that is no date, and no text without end', async () => {
    const [container] = await list({
      ...{ id: 'x'.repeat(5000), state: 1, createdAt: '9223372036854775807' },
    });
    expect(container).toMatchObject({ id: 'x'.repeat(1024) });
    expect(container?.createdAt?.getUTCFullYear()).toBe(2262);
  });
});

describe('the field numbers', () => {
  // Bytes written by hand from CRI's api.proto, so that a slip in our own numbers shows.
  it('are those of CRI', () => {
    const varint = (number: number, value: number) => Buffer.from([number << 3, value]);
    const userSpecifiedImage = Buffer.concat([Buffer.from([0x92, 0x01, 3]), Buffer.from('a:1')]);
    const bytes = field(1, [
      field(1, 'id'),
      field(3, [field(1, 'main')]),
      field(4, [field(1, 'sha256:01'), userSpecifiedImage]),
      field(5, 'ref'),
      varint(6, 1),
      varint(7, 42),
      field(8, [field(1, 'key'), field(2, 'value')]),
    ]);
    expect(METHODS.listContainers.decodeResponse(bytes)).toEqual({
      containers: [
        {
          id: 'id',
          metadata: { name: 'main' },
          image: { image: 'sha256:01', userSpecifiedImage: 'a:1' },
          imageRef: 'ref',
          state: 1,
          createdAt: '42',
          labels: { key: 'value' },
        },
      ],
    });
  });
});
