import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { status } from '@grpc/grpc-js';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../../agent/node/containerd/client.ts';
import { METHODS } from '../../../agent/node/containerd/descriptors.ts';
import { getImage, listImages } from '../../../agent/node/containerd/images.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import {
  type FakeContainerd,
  refusal,
  startFakeContainerd,
} from '../../support/fake-containerd.ts';
import { protoField as field } from '../../support/proto-field.ts';

const SERVICE = 'containerd.services.images.v1.Images';
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const GOOD = {
  name: 'registry.example/app:1',
  labels: { 'io.cri-containerd.image': 'managed' },
  target: {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: DIGEST,
    size: '1234',
    annotations: { a: 'b' },
  },
  createdAt: { seconds: '1700000000', nanos: 5_000_000 },
  updatedAt: { seconds: '1700000001', nanos: 0 },
};

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

describe('image records', () => {
  it('gives name, target, labels and time', async () => {
    fake.answer(SERVICE, 'List', () => ({ images: [GOOD] }));
    const { images, invalid } = await listImages(client);
    expect(invalid).toEqual([]);
    expect(images).toEqual([
      {
        name: GOOD.name,
        target: { ...GOOD.target, size: 1234 },
        labels: new Map([['io.cri-containerd.image', 'managed']]),
        createdAt: new Date(1_700_000_000_005),
        updatedAt: new Date(1_700_000_001_000),
      },
    ]);
    expect(fake.seen.at(-1)).toEqual({ namespace: 'k8s.io', request: { filters: [] } });
  });

  it('lists nothing as nothing', async () => {
    fake.answer(SERVICE, 'List', () => ({}));
    expect(await listImages(client)).toEqual({ images: [], invalid: [] });
  });

  const broken: [string, object, string][] = [
    ['an empty name', { name: '' }, 'reference_invalid'],
    ['a name beyond the limit', { name: 'n'.repeat(1025) }, 'reference_invalid'],
    ['no target', { target: null }, 'descriptor_invalid'],
    [
      'a digest that is none',
      { target: { ...GOOD.target, digest: 'sha256:ab' } },
      'digest_invalid',
    ],
    ['an unknown algorithm', { target: { ...GOOD.target, digest: 'md5:ab' } }, 'digest_invalid'],
    ['a negative size', { target: { ...GOOD.target, size: '-1' } }, 'descriptor_invalid'],
    [
      'a size beyond exact numbers',
      { target: { ...GOOD.target, size: '9007199254740993' } },
      'descriptor_invalid',
    ],
    ['no media type', { target: { ...GOOD.target, mediaType: '' } }, 'descriptor_invalid'],
  ];
  it.each(broken)('reports a record with %s and keeps the others', async (_, change, code) => {
    fake.answer(SERVICE, 'List', () => ({
      images: [GOOD, { ...GOOD, ...change }, { ...GOOD, name: 'registry.example/app:2' }],
    }));
    const { images, invalid } = await listImages(client);
    expect(images.map(({ name }) => name)).toEqual([GOOD.name, 'registry.example/app:2']);
    expect(invalid.map((error) => error.code)).toEqual([code]);
  });

  it.each([null, { seconds: '9000000000000000', nanos: 0 }])(
    'keeps a record whose time is %j, because an image without a time still has to be judged',
    async (createdAt) => {
      fake.answer(SERVICE, 'List', () => ({ images: [{ ...GOOD, createdAt }] }));
      const { images } = await listImages(client);
      expect(images.map((image) => image.createdAt)).toEqual([null]);
    },
  );

  it('gets one by name, and null for a name that is not there', async () => {
    fake.answer(SERVICE, 'Get', (request) => {
      if ((request as { name: string }).name === GOOD.name) return { image: GOOD };
      throw refusal(status.NOT_FOUND, 'image: not found');
    });
    expect((await getImage(client, GOOD.name))?.target.digest).toBe(DIGEST);
    expect(await getImage(client, 'gone')).toBeNull();
  });

  it('throws for one that is malformed', async () => {
    fake.answer(SERVICE, 'Get', () => ({ image: { ...GOOD, target: null } }));
    await expectCodeAsync(getImage(client, GOOD.name), 'descriptor_invalid');
  });
});

describe('the field numbers', () => {
  // Bytes written by hand from containerd's images.proto, so that a slip in our own numbers shows.
  const bytes = Buffer.concat([
    field(1, [
      field(1, 'app'),
      field(2, [field(1, 'key'), field(2, 'value')]),
      field(3, [field(1, 'type'), field(2, DIGEST), Buffer.from([0x18, 0xac, 0x02])]),
      field(7, [Buffer.from([0x08, 0x2a])]),
      field(8, [Buffer.from([0x08, 0x2b])]),
    ]),
  ]);
  it('are those of containerd', () => {
    expect(METHODS.listImages.decodeResponse(bytes)).toEqual({
      images: [
        {
          name: 'app',
          labels: { key: 'value' },
          target: { mediaType: 'type', digest: DIGEST, size: '300', annotations: {} },
          createdAt: { seconds: '42', nanos: 0 },
          updatedAt: { seconds: '43', nanos: 0 },
        },
      ],
    });
  });
});
