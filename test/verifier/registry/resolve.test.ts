import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { parseDigest } from '../../../agent/oci/digest.ts';
import { parseReference } from '../../../agent/oci/reference.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { IMAGE_INDEX, IMAGE_MANIFEST, describeBytes } from '../../support/registry.ts';
import { NEVER, openClient, openRegistry, seen } from './fixture.ts';

const OTHER = parseDigest(`sha256:${'0'.repeat(64)}`);

async function openImage() {
  const registry = await openRegistry();
  const image = registry.pushImage('team/app', 'v1');
  const tagged = parseReference(`${registry.host}/team/app:v1`);
  const byDigest = parseReference(`${registry.host}/team/app@${image.digest}`);
  return { registry, image, tagged, byDigest, client: openClient() };
}

function answerHead(headers: Record<string, string>) {
  return ({ method }: { method: string }, response: ServerResponse): boolean => {
    if (method !== 'HEAD') return false;
    response.writeHead(200, headers).end();
    return true;
  };
}

describe('resolve', () => {
  it('takes digest, size and media type from one HEAD', async () => {
    const { registry, image, tagged, client } = await openImage();
    expect(await client.resolve(tagged, NEVER)).toEqual(image);
    expect(seen(registry)).toEqual(['HEAD /v2/team/app/manifests/v1']);
  });

  it('asks for a digest by digest, whatever the tag', async () => {
    const { registry, image, byDigest, client } = await openImage();
    expect(await client.resolve({ ...byDigest, tag: 'other' }, NEVER)).toEqual(image);
    expect(seen(registry)).toEqual([`HEAD /v2/team/app/manifests/${image.digest}`]);
  });

  it('accepts both manifests and indexes, OCI and Docker', async () => {
    const { registry, tagged, client } = await openImage();
    await client.resolve(tagged, NEVER);
    const accepted = registry.requests[0]?.headers.accept?.split(', ');
    expect(accepted).toEqual(
      expect.arrayContaining([
        IMAGE_MANIFEST,
        IMAGE_INDEX,
        'application/vnd.docker.distribution.manifest.v2+json',
        'application/vnd.docker.distribution.manifest.list.v2+json',
      ]),
    );
  });

  it('refuses a digest that is not the one in the reference', async () => {
    const { registry, image, byDigest, client } = await openImage();
    registry.intercept = answerHead({
      'docker-content-digest': OTHER,
      'content-type': image.mediaType,
      'content-length': String(image.size),
    });
    const error = await expectCodeAsync(client.resolve(byDigest, NEVER), 'content_mismatch');
    expect(error.message).toContain(image.digest);
    expect(error.message).toContain(OTHER);
  });

  it.each([
    ['no digest', { 'content-type': IMAGE_MANIFEST, 'content-length': '9' }],
    ['a malformed digest', { 'docker-content-digest': 'md5:1', 'content-type': IMAGE_MANIFEST }],
    ['no size', { 'docker-content-digest': OTHER, 'content-type': IMAGE_MANIFEST }],
    [
      'a size of zero',
      { 'docker-content-digest': OTHER, 'content-type': IMAGE_MANIFEST, 'content-length': '0' },
    ],
    ['no media type', { 'docker-content-digest': OTHER, 'content-length': '9' }],
  ])('fetches the manifest when HEAD gives %s', async (_, headers) => {
    const { registry, image, tagged, client } = await openImage();
    registry.intercept = answerHead(headers);
    expect(await client.resolve(tagged, NEVER)).toEqual(image);
    expect(seen(registry)).toEqual([
      'HEAD /v2/team/app/manifests/v1',
      'GET /v2/team/app/manifests/v1',
    ]);
  });

  it('fetches the manifest where HEAD is not allowed', async () => {
    const { registry, image, byDigest, client } = await openImage();
    registry.intercept = ({ method }, response) => {
      if (method === 'HEAD') response.writeHead(405).end();
      return method === 'HEAD';
    };
    expect(await client.resolve(byDigest, NEVER)).toEqual(image);
  });

  it('needs no digest in the answer when the reference has one', async () => {
    const { registry, image, byDigest, client } = await openImage();
    registry.intercept = answerHead({
      'content-type': `${image.mediaType}; charset=utf-8`,
      'content-length': String(image.size),
    });
    expect(await client.resolve(byDigest, NEVER)).toEqual(image);
    expect(registry.requests).toHaveLength(1);
  });

  it('refuses a manifest whose bytes do not have the stated digest', async () => {
    const { registry, tagged, client } = await openImage();
    registry.intercept = ({ method }, response) => {
      const headers = { 'content-type': IMAGE_MANIFEST, 'docker-content-digest': OTHER };
      if (method === 'HEAD') response.writeHead(405).end();
      else response.writeHead(200, headers).end('{}');
      return true;
    };
    await expectCodeAsync(client.resolve(tagged, NEVER), 'content_mismatch');
  });

  it('computes the digest where nobody states one', async () => {
    const { registry, tagged, client } = await openImage();
    registry.intercept = (_, response) => {
      response.writeHead(200, { 'content-type': IMAGE_MANIFEST }).end('{}');
      return true;
    };
    const resolved = await client.resolve(tagged, NEVER);
    expect(resolved).toEqual(describeBytes(Buffer.from('{}'), IMAGE_MANIFEST));
  });

  it('refuses what is not a manifest', async () => {
    const { registry, tagged, client } = await openImage();
    registry.intercept = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
      return true;
    };
    await expectCodeAsync(client.resolve(tagged, NEVER), 'manifest_invalid');
  });

  it('says that a tag does not exist', async () => {
    const { registry, client } = await openImage();
    const missing = parseReference(`${registry.host}/team/app:v2`);
    const error = await expectCodeAsync(client.resolve(missing, NEVER), 'registry_not_found');
    expect(error.message).toBe(`manifest ${registry.host}/team/app:v2: expected 200, found 404`);
  });

  it('needs a tag or a digest', async () => {
    const reference = parseReference('127.0.0.1:1/team/app');
    await expectCodeAsync(openClient().resolve(reference, NEVER), 'reference_invalid');
  });
});
