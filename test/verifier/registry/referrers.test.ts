import { describe, expect, it } from 'vitest';
import { parseDigest } from '../../../agent/oci/digest.ts';
import type { RegistryLimits } from '../../../agent/verifier/registry/limits.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import {
  describeBytes,
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  imageIndex,
  SIGNATURE_TYPE,
  type TestRegistry,
  type TestRegistryOptions,
} from '../../support/registry.ts';
import { NEVER, openClient, openRegistry, seen } from './fixture.ts';

const JWS = 'application/jose+json';
const QUERY = `?artifactType=${encodeURIComponent(SIGNATURE_TYPE)}`;

async function openSigned(
  signatures: number,
  options?: TestRegistryOptions,
  limits: Partial<RegistryLimits> = {},
  nowMs: () => number = () => 0,
) {
  const registry = await openRegistry(options);
  const image = registry.pushImage('team/app');
  const attached = Array.from({ length: signatures }, (_, index) =>
    registry.attachSignature('team/app', image, Buffer.from(`envelope ${index}`), JWS),
  );
  const repository = { registry: registry.host, repository: 'team/app' };
  const client = openClient({ limits, nowMs });
  const list = () => client.listReferrers(repository, image.digest, SIGNATURE_TYPE, NEVER);
  const listByApi = () =>
    client.listReferrersByApi(repository, image.digest, SIGNATURE_TYPE, NEVER);
  return { registry, image, attached, repository, client, list, listByApi };
}

const digestsOf = (descriptors: readonly { digest: string }[]) =>
  descriptors.map(({ digest }) => digest);

describe('listReferrers by the referrers API', () => {
  it('lists in one request, in the order of the registry', async () => {
    const { registry, image, attached, list } = await openSigned(3);
    const { descriptors, truncated, source } = await list();
    expect(digestsOf(descriptors)).toEqual(digestsOf(attached));
    expect({ truncated, source }).toEqual({ truncated: false, source: 'api' });
    expect(seen(registry)).toEqual([`GET /v2/team/app/referrers/${image.digest}${QUERY}`]);
  });

  it('gives an empty list for an image without referrers', async () => {
    const { list } = await openSigned(0);
    expect(await list()).toEqual({ descriptors: [], truncated: false, source: 'api' });
  });

  it('drops other artifact types, whatever the registry says it filtered by', async () => {
    for (const filters of [true, false]) {
      const { registry, image, attached, list } = await openSigned(1, { filters });
      const sbom = describeBytes(Buffer.from('sbom'), IMAGE_MANIFEST);
      const other = { ...sbom, artifactType: 'application/spdx+json' };
      registry.addReferrer('team/app', image.digest, other);
      expect(digestsOf((await list()).descriptors)).toEqual(digestsOf(attached));
    }
  });

  it('keeps a descriptor without an artifact type, and without a manifest, only from a registry that filtered', async () => {
    const untyped = describeBytes(Buffer.from('untyped'), IMAGE_MANIFEST);
    for (const filtered of [true, false]) {
      const { registry, list } = await openSigned(0);
      registry.intercept = (_, response) => {
        const applied = filtered ? { 'OCI-Filters-Applied': 'other, artifactType' } : {};
        response.writeHead(200, { 'content-type': IMAGE_INDEX, ...applied });
        response.end(JSON.stringify(imageIndex([untyped])));
        return true;
      };
      expect((await list()).descriptors).toHaveLength(filtered ? 1 : 0);
    }
  });

  it('counts a digest once', async () => {
    const { registry, image, attached, list } = await openSigned(1);
    for (const descriptor of attached) {
      registry.addReferrer('team/app', image.digest, descriptor);
    }
    expect((await list()).descriptors).toHaveLength(1);
  });

  it('leaves out a malformed entry and keeps the others', async () => {
    const { registry, attached, list } = await openSigned(1);
    registry.intercept = (_, response) => {
      response.writeHead(200, { 'content-type': IMAGE_INDEX });
      const manifests = [{ digest: 'sha256:short' }, ...attached];
      response.end(JSON.stringify({ schemaVersion: 2, manifests }));
      return true;
    };
    expect(digestsOf((await list()).descriptors)).toEqual(digestsOf(attached));
  });

  it.each([
    ['not JSON', '{'],
    ['not an index', '{"schemaVersion":1}'],
    ['an image manifest', JSON.stringify({ schemaVersion: 2, config: {}, layers: [] })],
    ['no list', JSON.stringify({ schemaVersion: 2 })],
  ])('refuses an index that is %s', async (_, body) => {
    const { registry, list } = await openSigned(1);
    registry.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': IMAGE_INDEX }).end(body);
      return true;
    };
    await expectCodeAsync(list(), 'manifest_invalid');
  });

  it('does not take an error for a registry without the API', async () => {
    const { registry, list } = await openSigned(1);
    for (const [status, code] of [
      [400, 'registry_failed'],
      [403, 'registry_denied'],
      [405, 'registry_failed'],
      [503, 'registry_failed'],
    ] as const) {
      registry.intercept = (_, response) => response.writeHead(status).end().writableEnded;
      await expectCodeAsync(list(), code);
    }
    // Where access is denied, the tag is tried too.
    expect(registry.requests).toHaveLength(5);
  });

  it('does not look for a tag in a repository that does not exist', async () => {
    const { registry, image, repository, client } = await openSigned(1);
    const nowhere = { ...repository, repository: 'team/nowhere' };
    const listed = client.listReferrers(nowhere, image.digest, SIGNATURE_TYPE, NEVER);
    await expectCodeAsync(listed, 'registry_not_found');
    expect(registry.requests).toHaveLength(1);
  });
});

describe('listReferrers over pages', () => {
  it('follows links to the last page', async () => {
    const { registry, attached, list } = await openSigned(5, { pageSize: 2 });
    const { descriptors, truncated } = await list();
    expect(digestsOf(descriptors)).toEqual(digestsOf(attached));
    expect(truncated).toBe(false);
    expect(registry.requests).toHaveLength(3);
  });

  it.each([
    ['more than the limit of referrers', { referrers: 4 }, 4, 2],
    ['more than the limit of pages', { referrersPages: 2 }, 4, 2],
    ['more than the limit of bytes', { referrersBytes: 1 }, 2, 1],
  ])('says that there are %s', async (_, limits, descriptors, requests) => {
    const { registry, list } = await openSigned(5, { pageSize: 2 }, limits);
    const listed = await list();
    expect(listed.descriptors).toHaveLength(descriptors);
    expect(listed.truncated).toBe(true);
    expect(registry.requests).toHaveLength(requests);
  });

  it('cuts a page that is longer than the limit, and not one that is as long', async () => {
    const { list } = await openSigned(5, {}, { referrers: 4 });
    expect(await list()).toMatchObject({ descriptors: { length: 4 }, truncated: true });
    const exact = await openSigned(4, {}, { referrers: 4 });
    expect(await exact.list()).toMatchObject({ descriptors: { length: 4 }, truncated: false });
  });

  it('ends when a page links to itself', async () => {
    const { registry, list } = await openSigned(1, {}, { referrersPages: 3 });
    registry.intercept = ({ path }, response) => {
      response.writeHead(200, { 'content-type': IMAGE_INDEX, link: `<${path}>; rel="next"` });
      response.end(JSON.stringify(imageIndex([])));
      return true;
    };
    expect((await list()).truncated).toBe(true);
    expect(registry.requests).toHaveLength(3);
  });

  it('refuses a page larger than a manifest may be', async () => {
    const { list } = await openSigned(1, {}, { manifestBytes: 100 });
    await expectCodeAsync(list(), 'content_too_large');
  });

  it('refuses a later page that is not there', async () => {
    const { registry, list } = await openSigned(3, { pageSize: 2 });
    registry.intercept = ({ path }, response) => {
      if (path.includes('start=')) response.writeHead(404).end();
      return path.includes('start=');
    };
    await expectCodeAsync(list(), 'registry_failed');
  });
});

describe('listReferrers by the tag', () => {
  it.each([false, 'html200'] as const)('reads it where referrers are %j', async (referrers) => {
    const { registry, image, attached, list } = await openSigned(2, { referrers });
    const { descriptors, truncated, source } = await list();
    expect(digestsOf(descriptors)).toEqual(digestsOf(attached));
    expect({ truncated, source }).toEqual({ truncated: false, source: 'tag' });
    const tag = image.digest.replace(':', '-');
    expect(seen(registry).at(-1)).toBe(`GET /v2/team/app/manifests/${tag}`);
    expect(registry.requests).toHaveLength(2);
  });

  it('gives an empty list where there is no such tag', async () => {
    const { list } = await openSigned(0, { referrers: false });
    expect(await list()).toEqual({ descriptors: [], truncated: false, source: 'tag' });
  });

  it('cuts the value of a long digest', async () => {
    const { registry, repository, client } = await openSigned(0, { referrers: false });
    const digest = parseDigest(`sha512:${'ab'.repeat(64)}`);
    const signature = registry.attachSignature(
      'team/app',
      { mediaType: IMAGE_MANIFEST, digest, size: 1 },
      Buffer.from('envelope'),
      JWS,
    );
    const listed = await client.listReferrers(repository, digest, SIGNATURE_TYPE, NEVER);
    expect(digestsOf(listed.descriptors)).toEqual([signature.digest]);
    const tag = `sha512-${'ab'.repeat(32)}`;
    expect(seen(registry).at(-1)).toBe(`GET /v2/team/app/manifests/${tag}`);
  });

  it('drops other artifact types, and those without one', async () => {
    const { registry, image, attached, list } = await openSigned(1, { referrers: false });
    const untyped = describeBytes(Buffer.from('untyped'), IMAGE_MANIFEST);
    registry.addReferrer('team/app', image.digest, untyped);
    registry.addReferrer('team/app', image.digest, { ...untyped, artifactType: 'other' });
    expect(digestsOf((await list()).descriptors)).toEqual(digestsOf(attached));
  });

  it('cuts a list that is longer than the limit', async () => {
    const { list } = await openSigned(3, { referrers: false }, { referrers: 2 });
    expect(await list()).toMatchObject({ descriptors: { length: 2 }, truncated: true });
  });

  it('refuses a tag that is not an index', async () => {
    const { registry, image, list } = await openSigned(0, { referrers: false });
    const tag = image.digest.replace(':', '-');
    registry.pushManifest('team/app', { schemaVersion: 2 }, { tag });
    await expectCodeAsync(list(), 'content_mismatch');
  });
});

describe('a registry without the API', () => {
  /** What was asked since the last call, by kind. */
  const asked = (registry: TestRegistry) =>
    registry.requests.splice(0).map(({ path }) => (path.includes('/referrers/') ? 'api' : 'tag'));

  it('is asked for the tag first from then on', async () => {
    const { registry, attached, list } = await openSigned(1, { referrers: false });
    expect((await list()).source).toBe('tag');
    expect(asked(registry)).toEqual(['api', 'tag']);
    const { descriptors, source } = await list();
    expect(digestsOf(descriptors)).toEqual(digestsOf(attached));
    expect(source).toBe('tag_unasked');
    expect(asked(registry)).toEqual(['tag']);
  });

  it.each([false, 'html200'] as const)('(%j) is so for five minutes', async (referrers) => {
    let now = 1_000;
    const { registry, list } = await openSigned(1, { referrers }, {}, () => now);
    await list();
    asked(registry);
    now += 5 * 60_000 - 1;
    await list();
    expect(asked(registry)).toEqual(['tag']);
    now += 1;
    await list();
    expect(asked(registry)).toEqual(['api', 'tag']);
    await list();
    expect(asked(registry)).toEqual(['tag']);
  });

  it('is taken for one in its other repositories, too, until it is asked', async () => {
    const { registry, image, client, repository, list } = await openSigned(1, { referrers: false });
    await list();
    asked(registry);
    const other = { ...repository, repository: 'team/other' };
    await client.listReferrers(other, image.digest, SIGNATURE_TYPE, NEVER);
    expect(asked(registry)).toEqual(['tag', 'api']);
  });

  it('is asked once more before it has no list, and for the tag once only', async () => {
    const { registry, list } = await openSigned(0, { referrers: false });
    await list();
    asked(registry);
    expect(await list()).toEqual({ descriptors: [], truncated: false, source: 'tag' });
    expect(asked(registry)).toEqual(['tag', 'api']);
  });

  it.each([404, 403, 500])('that gets it is found out when the tag answers %i', async (status) => {
    const { registry, attached, list } = await openSigned(1);
    // Without the API once, and without the tag ever after.
    registry.intercept = (_, response) => response.writeHead(404).end().writableEnded;
    expect((await list()).source).toBe('tag');
    registry.intercept = ({ path }, response) =>
      path.includes('/manifests/') && response.writeHead(status).end().writableEnded;
    const { descriptors, source } = await list();
    expect({ digests: digestsOf(descriptors), source }).toEqual({
      digests: digestsOf(attached),
      source: 'api',
    });
    asked(registry);
    await list();
    expect(asked(registry)).toEqual(['api']);
  });

  it('of which the tag cannot be read either gives the reason', async () => {
    const { registry, list } = await openSigned(1, { referrers: false });
    await list();
    registry.intercept = ({ path }, response) =>
      path.includes('/manifests/') && response.writeHead(403).end().writableEnded;
    await expectCodeAsync(list(), 'registry_denied');
  });

  it('is not asked for the API after the end of the time', async () => {
    const { registry, image, client, repository, list } = await openSigned(1, {
      referrers: false,
    });
    await list();
    asked(registry);
    const deadline = new AbortController();
    registry.intercept = () => {
      deadline.abort();
      return true;
    };
    const { signal } = deadline;
    const listed = client.listReferrers(repository, image.digest, SIGNATURE_TYPE, signal);
    await expectCodeAsync(listed, 'deadline_exceeded');
    expect(asked(registry)).toEqual(['tag']);
  });

  it('has no list by the API alone, and one as soon as it has the API', async () => {
    const { registry, attached, listByApi } = await openSigned(1);
    registry.intercept = (_, response) => response.writeHead(404).end().writableEnded;
    expect(await listByApi()).toBeUndefined();
    registry.intercept = undefined;
    const listed = await listByApi();
    expect(digestsOf(listed?.descriptors ?? [])).toEqual(digestsOf(attached));
    expect(listed?.source).toBe('api');
  });
});

describe('a client that asks for the tag alongside', () => {
  async function openAlongside(signatures: number, options?: TestRegistryOptions) {
    const opened = await openSigned(signatures, options);
    const client = openClient({ asksTagAlongside: true });
    const list = () =>
      client.listReferrers(opened.repository, opened.image.digest, SIGNATURE_TYPE, NEVER);
    return { ...opened, list };
  }
  const kinds = (registry: TestRegistry) =>
    registry.requests.map(({ path }) => (path.includes('/referrers/') ? 'api' : 'tag')).sort();

  it('takes the tag where there is no API', async () => {
    const { registry, attached, list } = await openAlongside(2, { referrers: false });
    const { descriptors, source } = await list();
    expect(digestsOf(descriptors)).toEqual(digestsOf(attached));
    expect(source).toBe('tag');
    expect(kinds(registry)).toEqual(['api', 'tag']);
  });

  it('takes the API’s word where there is one, whatever the tag lists or fails with', async () => {
    const { registry, attached, list } = await openAlongside(1);
    for (const status of [404, 403, 500]) {
      registry.intercept = ({ path }, response) =>
        path.includes('/manifests/') && response.writeHead(status).end().writableEnded;
      const { descriptors, source } = await list();
      expect(digestsOf(descriptors)).toEqual(digestsOf(attached));
      expect(source).toBe('api');
    }
  });

  it('does not wait for the tag where there is the API', async () => {
    const { registry, list } = await openAlongside(1);
    // Never answered.
    registry.intercept = ({ path }) => path.includes('/manifests/');
    expect((await list()).source).toBe('api');
  });

  it('has no list where the API fails, whatever the tag lists', async () => {
    const { registry, list } = await openAlongside(1, { referrers: false });
    registry.intercept = ({ path }, response) =>
      path.includes('/referrers/') && response.writeHead(500).end().writableEnded;
    await expectCodeAsync(list(), 'registry_failed');
  });
});
