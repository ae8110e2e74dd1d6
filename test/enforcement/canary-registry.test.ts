import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCanaryRegistry } from '../../agent/enforcement/canary-registry.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { contentOf } from './fixture.ts';

async function open() {
  const content = contentOf();
  const registry = await startCanaryRegistry(content.resources);
  onTestFinished(() => registry.close());
  const { path, descriptor } = content.images.signed;
  const manifest = `/v2/${path}/manifests/${descriptor.digest}`;
  const get = (at: string, init?: RequestInit) => fetch(`http://${registry.host}${at}`, init);
  return { registry, content, manifest, descriptor, get };
}

describe("the canary's registry", () => {
  it('serves what it was given, whole and with its digest', async () => {
    const { content, get } = await open();
    for (const [path, { mediaType, digest, bytes }] of content.resources) {
      const response = await get(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe(mediaType);
      expect(response.headers.get('docker-content-digest')).toBe(digest);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes);
    }
    expect((await get('/v2/')).status).toBe(200);
  });

  it('answers HEAD as GET without the bytes', async () => {
    const { manifest, descriptor, get } = await open();
    const response = await get(manifest, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe(String(descriptor.size));
    expect(await response.text()).toBe('');
  });

  it('has nothing else', async () => {
    const { manifest, get } = await open();
    const paths = ['/', '/v2/_catalog', `${manifest}0`, '/v2/../v2', '/v2/x/manifests/latest'];
    for (const path of paths) expect((await get(path)).status).toBe(404);
    // What the referrers API is asked with.
    const asked = manifest.replace('manifests', 'referrers') + '?artifactType=x';
    expect((await get(asked)).status).toBe(200);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    const { manifest, get } = await open();
    const response = await get(manifest, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  it('refuses headers that are too long', async () => {
    const { manifest, get } = await open();
    const headers = { 'x-long': 'x'.repeat(10_000) };
    expect((await get(manifest, { headers })).status).toBe(431);
  });

  it('tells one who speaks TLS that it does not, as containerd needs to fall back', async () => {
    const { registry } = await open();
    const socket = connect(Number(registry.host.split(':')[1]), '127.0.0.1');
    socket.write(Buffer.from('16030100050100000100', 'hex'));
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('knows whether anybody asked for a manifest', async () => {
    const { registry, manifest, get } = await open();
    await get('/v2/');
    expect(registry.wasAsked()).toBe(false);
    await get(manifest, { method: 'HEAD' });
    expect(registry.wasAsked()).toBe(true);
  });

  it('listens on loopback alone, and no more once it is closed, though a client stays', async () => {
    const { registry, manifest, get } = await open();
    expect(registry.host).toMatch(/^127\.0\.0\.1:\d+$/);
    const client = connect(Number(registry.host.split(':')[1]), '127.0.0.1');
    client.on('error', () => undefined);
    await new Promise((resolve) => client.once('connect', resolve));
    await registry.close();
    await expect(get(manifest)).rejects.toThrow();
  });

  it('says when it cannot listen', async () => {
    // Of the documentation's network, which no machine has.
    await expectCodeAsync(startCanaryRegistry(new Map(), '192.0.2.1'), 'canary_failed');
  });
});
