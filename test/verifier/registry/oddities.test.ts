// What registries are known to do otherwise than the specification says, each by the name of who does it.
import { describe, expect, it } from 'vitest';
import type { RegistryClientOptions } from '../../../agent/verifier/registry/client.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import {
  describeBytes,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  imageIndex,
  SIGNATURE_TYPE,
  TEST_CREDENTIAL,
  type TestRegistry,
  type TestRegistryOptions,
} from '../../support/registry.ts';
import { NEVER, openClient, openRegistry } from './fixture.ts';

async function openSigned(
  options: TestRegistryOptions = {},
  client: Partial<RegistryClientOptions> = {},
) {
  const registry = await openRegistry(options);
  const image = registry.pushImage('team/app');
  const repository = { registry: registry.host, repository: 'team/app' };
  const opened = openClient(client);
  return {
    ...{ registry, image },
    sign: (form: 'config' | 'artifactType' = 'config') =>
      registry.attachSignature('team/app', image, Buffer.from(form), 'application/jose+json', {
        form,
      }),
    list: () => opened.listReferrers(repository, image.digest, SIGNATURE_TYPE, NEVER),
  };
}

const digestsOf = ({ descriptors }: { readonly descriptors: readonly { digest: string }[] }) =>
  descriptors.map(({ digest }) => digest);

/** Answers the referrers API alone. */
const referrersApi =
  (status: number, headers: Readonly<Record<string, string>>, body: string) =>
  (registry: TestRegistry): void => {
    registry.intercept = ({ path }, response) => {
      if (!path.includes('/referrers/')) return false;
      response.writeHead(status, headers).end(body);
      return true;
    };
  };

describe('Harbor before 2.8, which denies the referrers API without a challenge', () => {
  const deny = referrersApi(401, {}, '{"errors":[{"code":"UNAUTHORIZED"}]}');

  it('is asked for the tag', async () => {
    const { registry, sign, list } = await openSigned({ referrers: false });
    const signature = sign();
    deny(registry);
    expect(digestsOf(await list())).toEqual([signature.digest]);
  });

  it('is not taken to have none where there is no tag', async () => {
    const { registry, list } = await openSigned({ referrers: false });
    deny(registry);
    await expectCodeAsync(list(), 'registry_denied');
    registry.intercept = undefined;
    expect(digestsOf(await list())).toEqual([]);
  });

  it('is so as well when both are asked at once', async () => {
    const { registry, sign, list } = await openSigned(
      { referrers: false },
      { asksTagAlongside: true },
    );
    deny(registry);
    await expectCodeAsync(list(), 'registry_denied');
    const signature = sign();
    expect(digestsOf(await list())).toEqual([signature.digest]);
  });
});

describe('a proxy that answers every path with 200 and a web page', () => {
  it('has no referrers API, and is asked for the tag', async () => {
    const { sign, list } = await openSigned({ referrers: 'html200' });
    const signature = sign();
    expect(await list()).toMatchObject({
      descriptors: [{ digest: signature.digest }],
      source: 'tag',
    });
  });
});

/** Lists what is attached as a registry does that has its own mind about artifact types. */
async function openUntyped(artifactType: string | undefined) {
  const world = await openSigned();
  const { registry, image, sign } = world;
  const sbom = registry.pushManifest('team/app', {
    ...{ schemaVersion: 2, mediaType: IMAGE_MANIFEST, artifactType: 'application/spdx+json' },
    config: registry.pushBlob('team/app', Buffer.from('{}'), 'application/vnd.oci.empty.v1+json'),
    layers: [],
    subject: image,
  });
  const verity = registry.pushManifest('team/app', {
    ...{ schemaVersion: 2, mediaType: IMAGE_MANIFEST, artifactType: `${SIGNATURE_TYPE}.dm-verity` },
    config: registry.pushBlob('team/app', Buffer.from('{}'), 'application/vnd.oci.empty.v1+json'),
    layers: [],
    subject: image,
  });
  const absent = describeBytes(Buffer.from('gone'), IMAGE_MANIFEST);
  const signatures = [sign('config'), sign('artifactType')];
  const listed = [sbom, ...signatures, absent, verity].map(({ mediaType, digest, size }) => ({
    ...{ mediaType, digest, size },
    ...(artifactType === undefined ? {} : { artifactType }),
  }));
  referrersApi(200, { 'content-type': IMAGE_INDEX }, JSON.stringify(imageIndex(listed)))(registry);
  return { ...world, signatures: signatures.map(({ digest }) => digest) };
}

describe('Azure’s registry, which leaves out the artifact type', () => {
  it('is asked for the manifests, which tell what they are', async () => {
    const { signatures, list } = await openUntyped(undefined);
    expect(digestsOf(await list())).toEqual(signatures);
  });

  it('is asked for no more of them than are looked at', async () => {
    const { registry, image, list } = await openUntyped(undefined);
    const many = Array.from({ length: 40 }, (_, at) =>
      describeBytes(Buffer.from(`manifest ${at}`), IMAGE_MANIFEST),
    );
    const large = { ...image, size: 1024 * 1024 };
    const body = JSON.stringify(imageIndex([large, ...many]));
    referrersApi(200, { 'content-type': IMAGE_INDEX }, body)(registry);
    expect(digestsOf(await list())).toEqual([]);
    expect(registry.requests).toHaveLength(1 + 16);
  });
});

describe('Google’s Artifact Registry, which gives the type of the empty configuration instead', () => {
  it('is asked for the manifests, which tell what they are', async () => {
    const { signatures, list } = await openUntyped('application/vnd.oci.empty.v1+json');
    expect(digestsOf(await list())).toEqual(signatures);
  });
});

describe('GitLab’s registry, which takes the tag of the referrers for the digest of the image', () => {
  it('has no signatures there', async () => {
    const { registry, image, list } = await openSigned({ referrers: false });
    registry.intercept = ({ path }, response) => {
      if (!path.endsWith(`/manifests/${image.digest.replace(':', '-')}`)) return false;
      const headers = { 'content-type': image.mediaType, 'docker-content-digest': image.digest };
      response.writeHead(200, headers).end('{}');
      return true;
    };
    expect(await list()).toMatchObject({ descriptors: [], source: 'tag' });
  });
});

describe('registries that hide what one may not see, such as GitHub’s', () => {
  const wrong = { ...TEST_CREDENTIAL, password: 'a wrong password' };

  it('deny it, though they say that it is not there', async () => {
    const { registry, list } = await openSigned(
      { auth: 'bearer', anonymous: true },
      { credentials: () => Promise.resolve([wrong]) },
    );
    registry.intercept = ({ headers }, response) =>
      headers.authorization?.startsWith('Bearer') === true &&
      response.writeHead(404).end().writableEnded;
    await expectCodeAsync(list(), 'registry_denied');
  });

  it('do not where no credential was refused', async () => {
    const { registry, list } = await openSigned({ auth: 'bearer', anonymous: true });
    registry.intercept = ({ headers }, response) =>
      headers.authorization?.startsWith('Bearer') === true &&
      response.writeHead(404).end().writableEnded;
    expect(digestsOf(await list())).toEqual([]);
  });
});

describe('statuses', () => {
  it.each([
    [401, {}, 'registry_denied'],
    [403, {}, 'registry_denied'],
    [405, {}, 'registry_failed'],
    [429, {}, 'registry_busy'],
    [429, { 'retry-after': '120' }, 'registry_busy'],
    [500, {}, 'registry_failed'],
    [502, {}, 'registry_failed'],
    [503, { 'retry-after': '120' }, 'registry_busy'],
    [503, {}, 'registry_failed'],
  ] as const)('of %i %j never mean that there is no signature', async (status, headers, code) => {
    const { registry, list } = await openSigned();
    registry.intercept = (_, response) => response.writeHead(status, headers).end().writableEnded;
    const error = await expectCodeAsync(list(), code);
    expect(error.message).toContain(String(status));
  });

  it('of 503 with a short pause are tried once more', async () => {
    const { registry, sign, list } = await openSigned();
    const signature = sign();
    registry.intercept = (_, response) => {
      registry.intercept = undefined;
      return response.writeHead(503, { 'retry-after': '0' }).end().writableEnded;
    };
    expect(digestsOf(await list())).toEqual([signature.digest]);
  });
});
