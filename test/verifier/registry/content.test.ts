import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { IMAGE_INDEX, type RecordedRequest } from '../../support/registry.ts';
import { NEVER, openClient, openRegistry, seen } from './fixture.ts';

const LIMIT = 1024;
const BYTES = Buffer.from('an envelope');

async function openBlob() {
  const registry = await openRegistry();
  const image = registry.pushImage('team/app');
  const blob = registry.pushBlob('team/app', BYTES);
  const repository = { registry: registry.host, repository: 'team/app' };
  return { registry, repository, image, blob, client: openClient() };
}

function answer(headers: Record<string, string>, body: string | Buffer, status = 200) {
  return (_: RecordedRequest, response: ServerResponse): boolean => {
    response.writeHead(status, headers).end(body);
    return true;
  };
}

describe('fetchManifest', () => {
  it('gives the bytes that the descriptor names', async () => {
    const { registry, repository, image, client } = await openBlob();
    const bytes = await client.fetchManifest(repository, image, NEVER);
    expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({ schemaVersion: 2 });
    expect(seen(registry)).toEqual([`GET /v2/team/app/manifests/${image.digest}`]);
    expect(registry.requests[0]?.headers).toMatchObject({
      accept: image.mediaType,
      'accept-encoding': 'identity',
      'user-agent': 'nodeseal-test',
    });
  });

  it('refuses another media type', async () => {
    const { repository, image, client } = await openBlob();
    const asIndex = { ...image, mediaType: IMAGE_INDEX };
    const fetched = client.fetchManifest(repository, asIndex, NEVER);
    await expectCodeAsync(fetched, 'content_mismatch');
  });

  it('accepts a media type with a parameter', async () => {
    const { registry, repository, image, client } = await openBlob();
    const bytes = await client.fetchManifest(repository, image, NEVER);
    registry.intercept = answer(
      { 'content-type': `${image.mediaType}; charset=utf-8` },
      Buffer.from(bytes),
    );
    expect(await client.fetchManifest(repository, image, NEVER)).toEqual(bytes);
  });

  it('does not ask for a manifest of more than 4 MiB', async () => {
    const { registry, repository, image, client } = await openBlob();
    const large = { ...image, size: 4 * 1024 * 1024 + 1 };
    await expectCodeAsync(client.fetchManifest(repository, large, NEVER), 'content_too_large');
    expect(registry.requests).toEqual([]);
  });
});

describe('fetchBlob', () => {
  it('gives the bytes that the descriptor names', async () => {
    const { registry, repository, blob, client } = await openBlob();
    expect(Buffer.from(await client.fetchBlob(repository, blob, LIMIT, NEVER))).toEqual(BYTES);
    expect(seen(registry)).toEqual([`GET /v2/team/app/blobs/${blob.digest}`]);
  });

  it('accepts a blob as large as the limit and does not ask for a larger one', async () => {
    const { registry, repository, blob, client } = await openBlob();
    await client.fetchBlob(repository, blob, BYTES.length, NEVER);
    const fetched = client.fetchBlob(repository, blob, BYTES.length - 1, NEVER);
    const error = await expectCodeAsync(fetched, 'content_too_large');
    expect(error.message).toContain(`${repository.registry}/team/app@${blob.digest}`);
    expect(registry.requests).toHaveLength(1);
  });

  it.each([
    ['other bytes of the same size', 'an ENVELOPE'],
    ['fewer bytes', 'an envelop'],
    ['more bytes', 'an envelopes'],
    ['no bytes', ''],
  ])('refuses %s', async (_, body) => {
    const { registry, repository, blob, client } = await openBlob();
    registry.intercept = answer({}, body);
    const fetched = client.fetchBlob(repository, blob, LIMIT, NEVER);
    await expectCodeAsync(fetched, 'content_mismatch');
  });

  it('stops reading at the size of the descriptor', async () => {
    const { registry, repository, blob, client } = await openBlob();
    // Never ends: only stopping early can end the call.
    registry.intercept = (_, response) => response.writeHead(200).write(Buffer.alloc(LIMIT));
    const fetched = client.fetchBlob(repository, blob, LIMIT, NEVER);
    await expectCodeAsync(fetched, 'content_mismatch');
  });

  it('accepts an identity encoding and refuses a compressed body', async () => {
    const { registry, repository, blob, client } = await openBlob();
    registry.intercept = answer({ 'content-encoding': 'identity' }, BYTES);
    await client.fetchBlob(repository, blob, LIMIT, NEVER);
    registry.intercept = answer({ 'content-encoding': 'gzip' }, BYTES);
    const fetched = client.fetchBlob(repository, blob, LIMIT, NEVER);
    await expectCodeAsync(fetched, 'content_mismatch');
  });

  it('refuses part of a blob', async () => {
    const { registry, repository, blob, client } = await openBlob();
    registry.intercept = answer({}, BYTES, 206);
    const fetched = client.fetchBlob(repository, blob, LIMIT, NEVER);
    await expectCodeAsync(fetched, 'registry_failed');
  });
});

describe('statuses', () => {
  it.each([
    [400, 'registry_failed'],
    [401, 'registry_denied'],
    [403, 'registry_denied'],
    [404, 'registry_not_found'],
    [429, 'registry_busy'],
    [500, 'registry_failed'],
    [503, 'registry_failed'],
    [304, 'registry_failed'],
  ] as const)('%i is %s', async (status, code) => {
    const { registry, repository, blob, client } = await openBlob();
    registry.intercept = answer({}, '', status);
    await expectCodeAsync(client.fetchBlob(repository, blob, LIMIT, NEVER), code);
    expect(registry.requests).toHaveLength(1);
  });

  it('repeats the code of an error body, if it looks like one', async () => {
    const { registry, repository, blob, client } = await openBlob();
    const failed = async (body: string) => {
      registry.intercept = answer({}, body, 403);
      const fetched = client.fetchBlob(repository, blob, LIMIT, NEVER);
      return (await expectCodeAsync(fetched, 'registry_denied')).message;
    };
    expect(await failed('{"errors":[{"code":"DENIED"}]}')).toMatch(/found 403 DENIED$/);
    expect(await failed('{"errors":[{"code":"<b>DENIED"}]}')).toMatch(/found 403$/);
    expect(await failed('{"errors":[]}')).toMatch(/found 403$/);
    expect(await failed('<html>')).toMatch(/found 403$/);
    expect(await failed('x'.repeat(100_000))).toMatch(/found 403$/);
  });
});
