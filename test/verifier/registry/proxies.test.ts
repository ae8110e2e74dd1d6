import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { startForwardProxy, type ForwardProxyOptions } from '../../support/forward-proxy.ts';
import { mintServerCertificate } from '../../support/registry/tls.ts';
import type { TestRegistryOptions } from '../../support/registry.ts';
import { NEVER, openClient, openRawServer, openRegistry } from './fixture.ts';

const ours = mintServerCertificate('Ours');

interface World {
  readonly registry?: TestRegistryOptions;
  readonly proxy?: ForwardProxyOptions;
  /** What is in the proxy's URL. */
  readonly credentials?: string;
  readonly ca?: string;
}

async function openProxied(world: World = {}) {
  const registry = await openRegistry(world.registry);
  const proxy = await startForwardProxy(world.proxy);
  onTestFinished(() => proxy.close());
  const image = registry.pushImage('team/app');
  const url = new URL(proxy.url);
  [url.username = '', url.password = ''] = (world.credentials ?? '').split(':');
  const client = openClient({
    proxyOf: () => url,
    plainHttp: () => world.registry?.tls === undefined,
    ...(world.ca === undefined ? {} : { ca: world.ca }),
  });
  const reference = { registry: registry.host, repository: 'team/app', digest: image.digest };
  return { registry, proxy, image, resolve: () => client.resolve(reference, NEVER) };
}

describe('a registry behind a proxy', () => {
  it('is asked through a tunnel over TLS, which is kept', async () => {
    const { registry, proxy, image, resolve } = await openProxied({
      registry: { tls: ours },
      ca: ours.ca,
    });
    expect(await resolve()).toEqual(image);
    expect(await resolve()).toEqual(image);
    expect(proxy.requests).toEqual([`CONNECT ${registry.host}`]);
    expect(registry.connections).toBe(1);
  });

  it('is asked by the proxy over plain HTTP', async () => {
    const { registry, proxy, image, resolve } = await openProxied();
    expect(await resolve()).toEqual(image);
    expect(proxy.requests).toEqual([`HEAD ${registry.url}/v2/team/app/manifests/${image.digest}`]);
    expect(registry.requests[0]?.headers.host).toBe(registry.host);
  });

  it.each([{ registry: { tls: ours }, ca: ours.ca }, {}])(
    'is asked with the credentials of the proxy, which the registry does not hear',
    async (world) => {
      const proxy = { credentials: 'me:p@ss word' };
      const { registry, image, resolve } = await openProxied({
        ...{ ...world, proxy },
        credentials: 'me:p%40ss%20word',
      });
      expect(await resolve()).toEqual(image);
      expect(JSON.stringify(registry.requests)).not.toContain('proxy-authorization');
    },
  );

  it('is not trusted for its proxy', async () => {
    const theirs = mintServerCertificate('Theirs');
    const { registry, resolve } = await openProxied({ registry: { tls: ours }, ca: theirs.ca });
    await expectCodeAsync(resolve(), 'registry_unreachable');
    expect(registry.requests).toEqual([]);
  });

  it('may be behind one that speaks TLS itself', async () => {
    const { image, resolve } = await openProxied({
      ...{ registry: { tls: ours }, proxy: { tls: ours }, ca: ours.ca },
    });
    expect(await resolve()).toEqual(image);
  });

  it('has another name than such a proxy, whose certificate is for its own', async () => {
    const named = mintServerCertificate('Named', 'registry.invalid');
    const registry = await openRegistry({ tls: named });
    const proxy = await startForwardProxy({ tls: ours, upstream: registry.host });
    onTestFinished(() => proxy.close());
    const { digest } = registry.pushImage('team/app');
    const client = openClient({ proxyOf: () => proxy.url, ca: named.ca + ours.ca });
    const reference = { registry: 'registry.invalid', repository: 'team/app', digest };
    expect((await client.resolve(reference, NEVER)).digest).toBe(digest);
    expect(proxy.requests).toEqual(['CONNECT registry.invalid:443']);
  });

  it('cannot be reached by a proxy that refuses', async () => {
    const proxy = { credentials: 'me:secret' };
    const { resolve } = await openProxied({
      ...{ registry: { tls: ours }, ca: ours.ca, proxy, credentials: 'me:wrong-password' },
    });
    const error = await expectCodeAsync(resolve(), 'registry_unreachable');
    expect(error.message).toMatch(
      /proxy http:\/\/127\.0\.0\.1:\d+: expected 200 to CONNECT, found 407/,
    );
    expect(inspect(error, { depth: 5 })).not.toContain('wrong-password');
  });

  it('cannot be reached by a proxy that is not there', async () => {
    const { proxy, resolve } = await openProxied({ registry: { tls: ours }, ca: ours.ca });
    await proxy.close();
    await expectCodeAsync(resolve(), 'registry_unreachable');
  });

  it.each([
    ['says nothing', ''],
    ['makes a tunnel to nowhere', 'HTTP/1.1 200 OK\r\n\r\n'],
  ])('cannot be reached in time by a proxy that %s', async (_, answer) => {
    const silent = await openRawServer((socket) => {
      socket.once('data', () => socket.write(answer));
    });
    const client = openClient({
      proxyOf: () => new URL(`http://${silent}`),
      plainHttp: () => false,
      limits: { connectMs: 50 },
    });
    const reference = { registry: 'registry.example', repository: 'team/app', tag: 'latest' };
    await expectCodeAsync(client.resolve(reference, NEVER), 'registry_timeout');
  });
});
