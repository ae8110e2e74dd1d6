import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import type { RegistryLimits } from '../../../agent/verifier/registry/limits.ts';
import type { RequestEvent } from '../../../agent/verifier/registry/http.ts';
import { expectCode, expectCodeAsync } from '../../support/expect-code.ts';
import { describeBytes, type TestRegistry } from '../../support/registry.ts';
import { mintServerCertificate } from '../../support/registry/tls.ts';
import { NEVER, openClient, openRawServer, openRegistry } from './fixture.ts';

const BYTES = Buffer.from('an envelope');
const BLOB = describeBytes(BYTES, 'application/jose+json');

/** A blob from a server that answers its n-th connection as told. */
async function openRaw(
  serve: (socket: Socket, connection: number) => void,
  limits: Partial<RegistryLimits> = {},
) {
  let connections = 0;
  const registry = await openRawServer((socket) => {
    connections++;
    const connection = connections;
    // Answers come to requests: bytes that precede one are another fault.
    socket.once('data', () => serve(socket, connection));
  });
  const client = openClient({ limits });
  return {
    client,
    fetch: (signal = NEVER) =>
      client.fetchBlob({ registry, repository: 'team/app' }, BLOB, 1024, signal),
    connections: () => connections,
  };
}

const OK = `HTTP/1.1 200 OK\r\nContent-Length: ${BYTES.length}\r\n\r\n`;

describe('connections', () => {
  it('are kept from request to request', async () => {
    const registry = await openRegistry();
    const image = registry.pushImage('team/app');
    const envelope = registry.pushBlob('team/app', BYTES);
    const repository = { registry: registry.host, repository: 'team/app' };
    const client = openClient();
    await client.resolve({ ...repository, digest: image.digest }, NEVER);
    await client.listReferrers(repository, image.digest, 'type', NEVER);
    await client.fetchManifest(repository, image, NEVER);
    await client.fetchBlob(repository, envelope, 1024, NEVER);
    const missing = { ...envelope, digest: image.digest };
    await expectCodeAsync(client.fetchBlob(repository, missing, 1024, NEVER), 'registry_not_found');
    await client.fetchBlob(repository, envelope, 1024, NEVER);
    expect(registry.connections).toBe(1);
    expect(registry.requests).toHaveLength(6);
  });

  it('are at most as many as the limit', async () => {
    const registry = await openRegistry();
    const envelope = registry.pushBlob('team/app', BYTES);
    const repository = { registry: registry.host, repository: 'team/app' };
    const client = openClient({ limits: { connectionsPerOrigin: 2 } });
    const fetches = Array.from({ length: 6 }, () =>
      client.fetchBlob(repository, envelope, 1024, NEVER),
    );
    await Promise.all(fetches);
    expect(registry.connections).toBe(2);
  });

  it('of origins that were not used for long are let go, with what is under way', async () => {
    const held = Promise.withResolvers<ServerResponse>();
    const [first, second] = [await openRegistry(), await openRegistry()];
    first.intercept = (_, response) => {
      held.resolve(response);
      return true;
    };
    const client = openClient({ limits: { origins: 1 } });
    const fetch = (registry: TestRegistry) => {
      const envelope = registry.pushBlob('team/app', BYTES);
      const repository = { registry: registry.host, repository: 'team/app' };
      return client.fetchBlob(repository, envelope, 1024, NEVER);
    };
    const slow = fetch(first);
    const response = await held.promise;
    await fetch(second);
    response.end(BYTES);
    expect(Buffer.from(await slow)).toEqual(BYTES);
    first.intercept = undefined;
    await fetch(first);
    expect(first.connections).toBe(2);
  });

  it.each([
    ['by us after a while without use', { keptIdleMs: 10 }, false],
    ['by the registry meanwhile', {}, true],
  ])('that are closed %s are replaced', async (_, limits, isClosedThere) => {
    const { promise: gone, resolve } = Promise.withResolvers<boolean>();
    const { fetch, connections } = await openRaw((socket, connection) => {
      socket.write(OK + BYTES.toString());
      if (connection > 1) return;
      socket.once('close', resolve);
      if (isClosedThere) socket.end();
    }, limits);
    expect(await fetch()).toEqual(BYTES);
    await gone;
    expect(await fetch()).toEqual(BYTES);
    expect(connections()).toBe(2);
  });

  it('end with the client, and with them what is under way', async () => {
    const held = Promise.withResolvers<undefined>();
    const { client, fetch } = await openRaw(() => held.resolve(undefined));
    const fetched = fetch();
    const failed = expectCodeAsync(fetched, 'registry_unreachable');
    await held.promise;
    await client.close();
    await failed;
  });
});

describe('a broken connection', () => {
  it('is tried once more', async () => {
    const { fetch, connections } = await openRaw((socket, connection) => {
      if (connection === 1) socket.resetAndDestroy();
      else socket.end(OK + BYTES.toString());
    });
    expect(Buffer.from(await fetch())).toEqual(BYTES);
    expect(connections()).toBe(2);
  });

  it('is reported when it comes twice', async () => {
    const { fetch, connections } = await openRaw((socket) => socket.resetAndDestroy());
    await expectCodeAsync(fetch(), 'registry_unreachable');
    expect(connections()).toBe(2);
  });

  it('is reported when nobody listens', async () => {
    const registry = await openRegistry();
    const { host } = registry;
    await registry.close();
    const repository = { registry: host, repository: 'team/app' };
    const fetched = openClient().fetchBlob(repository, BLOB, 1024, NEVER);
    const error = await expectCodeAsync(fetched, 'registry_unreachable');
    expect(error.message).toMatch(`blob ${host}/team/app@${BLOB.digest}: `);
    expect(error.message).toMatch('found "connect ECONNREFUSED');
  });

  it('is reported when it breaks in the middle of a body', async () => {
    const { fetch, connections } = await openRaw((socket) => socket.end(OK + 'an env'));
    await expectCodeAsync(fetch(), 'registry_unreachable');
    expect(connections()).toBe(1);
  });
});

describe('time', () => {
  it('ends a request that is not answered, or not to the end', async () => {
    const limits = { headersMs: 20, bodyIdleMs: 20 };
    const silent = await openRaw(() => undefined, limits);
    const headersOnly = await openRaw((socket) => socket.write('HTTP/1.1 200 OK\r\nX: '), limits);
    const bodyBegun = await openRaw((socket) => socket.write(`${OK}an env`), limits);
    // Side by side, because undici's clock ticks only twice a second.
    await Promise.all(
      [silent, headersOnly, bodyBegun].map(({ fetch }) =>
        expectCodeAsync(fetch(), 'registry_timeout'),
      ),
    );
  });

  it('ends a body that drips and so never idles', async () => {
    const { fetch } = await openRaw(
      (socket) => {
        socket.write(OK);
        const drip = setInterval(() => socket.write('a'), 30);
        socket.once('close', () => clearInterval(drip));
      },
      { bodyIdleMs: 10_000, requestMs: 100 },
    );
    const error = await expectCodeAsync(fetch(), 'registry_timeout');
    expect(error.message).toMatch('expected a whole answer within 100 ms');
  });

  it('of the caller ends a request, with the reason that the caller gives', async () => {
    const { fetch } = await openRaw(() => undefined);
    await expectCodeAsync(fetch(AbortSignal.timeout(20)), 'deadline_exceeded');
    await expectCodeAsync(fetch(AbortSignal.abort()), 'deadline_exceeded');
    const reason = new AgentError('registry_timeout', 'the caller says so');
    const error = await expectCodeAsync(fetch(AbortSignal.abort(reason)), 'registry_timeout');
    expect(error).toBe(reason);
  });

  it('of the caller ends a body', async () => {
    const caller = new AbortController();
    const { fetch } = await openRaw((socket) => {
      socket.write(OK + 'an env', () => caller.abort());
    });
    await expectCodeAsync(fetch(caller.signal), 'deadline_exceeded');
  });
});

describe('HEAD', () => {
  it('keeps the connection of a registry that does not say that it keeps it', async () => {
    let connections = 0;
    const registry = await openRawServer((socket) => {
      connections++;
      socket.on('data', (request) => {
        const isHead = request.toString().startsWith('HEAD');
        const type = 'application/vnd.oci.image.manifest.v1+json';
        const headers = `Content-Type: ${type}\r\nContent-Length: ${BYTES.length}\r\n`;
        socket.write(`HTTP/1.1 200 OK\r\n${headers}\r\n${isHead ? '' : BYTES.toString()}`);
      });
    });
    const client = openClient();
    const reference = { registry, repository: 'team/app', digest: BLOB.digest };
    const described = await client.resolve(reference, NEVER);
    expect(Buffer.from(await client.fetchManifest(reference, described, NEVER))).toEqual(BYTES);
    await client.resolve(reference, NEVER);
    expect(connections).toBe(1);
  });
});

describe('bytes that are not what HTTP promises', () => {
  it('beyond the stated length are no part of the body, nor of the next answer', async () => {
    const forged = `${OK}an ENVELOPE`;
    const { fetch, connections } = await openRaw((socket, connection) => {
      socket.write(OK + BYTES.toString() + (connection === 1 ? forged : ''));
    });
    expect(Buffer.from(await fetch())).toEqual(BYTES);
    expect(Buffer.from(await fetch())).toEqual(BYTES);
    expect(connections()).toBe(2);
  });

  it('are no HTTP at all', async () => {
    const { fetch } = await openRaw((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    await expectCodeAsync(fetch(), 'registry_failed');
  });

  it('are headers larger than the limit', async () => {
    const { fetch } = await openRaw(
      (socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(5000)}\r\n\r\n`),
      { headerBytes: 4096 },
    );
    await expectCodeAsync(fetch(), 'content_too_large');
  });

  it('are a body without end, which is cut', async () => {
    const closed = Promise.withResolvers<unknown>();
    const { fetch } = await openRaw((socket) => {
      socket.once('close', closed.resolve);
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n`);
      const more = () =>
        socket.writable && socket.write(`5\r\naaaaa\r\n`, () => setImmediate(more));
      more();
    });
    await expectCodeAsync(fetch(), 'content_mismatch');
    await closed.promise;
  });
});

describe('TLS', () => {
  const ours = mintServerCertificate('Ours');
  const theirs = mintServerCertificate('Theirs');

  async function openTls(ca?: string) {
    const registry = await openRegistry({ tls: ours });
    const image = registry.pushImage('team/app');
    const client = openClient({ plainHttp: () => false, ...(ca === undefined ? {} : { ca }) });
    const reference = { registry: registry.host, repository: 'team/app', digest: image.digest };
    return { registry, image, client, resolve: () => client.resolve(reference, NEVER) };
  }

  it('trusts a registry whose CA it was given, also among others', async () => {
    const { image, resolve } = await openTls(ours.ca);
    expect(await resolve()).toEqual(image);
    const among = await openTls(`${theirs.ca}\n${ours.ca}`);
    expect((await among.resolve()).digest).toBe(among.image.digest);
  });

  it('refuses a registry of another CA, or of none that it knows', async () => {
    for (const ca of [theirs.ca, undefined]) {
      const { registry, resolve } = await openTls(ca);
      await expectCodeAsync(resolve(), 'registry_unreachable');
      expect(registry.requests).toEqual([]);
    }
  });

  it('says so when a registry speaks plain HTTP', async () => {
    const registry = await openRegistry();
    const client = openClient({ plainHttp: () => false });
    const reference = { registry: registry.host, repository: 'team/app', tag: 'v1' };
    const error = await expectCodeAsync(client.resolve(reference, NEVER), 'registry_unreachable');
    expect(error.message).toMatch(/found plain HTTP where HTTPS is expected$/);
  });

  it('refuses a CA that is not PEM', () => {
    expectCode(() => openClient({ ca: 'certificate' }), 'setting_invalid');
    expectCode(() => openClient({ ca: ours.ca.replace('-----END', '----END') }), 'setting_invalid');
  });

  it('refuses a redirect down to plain HTTP', async () => {
    const { registry, resolve } = await openTls(ours.ca);
    const plain = await openRegistry();
    registry.intercept = ({ path }, response) =>
      response.writeHead(307, { location: plain.url + path }).end().writableEnded;
    await expectCodeAsync(resolve(), 'registry_redirect_refused');
    expect(plain.requests).toEqual([]);
  });

  it('refuses a token service in plain HTTP', async () => {
    const { registry, resolve } = await openTls(ours.ca);
    const plain = await openRegistry({ auth: 'bearer', anonymous: true });
    const challenge = `Bearer realm="${plain.url}/token"`;
    registry.intercept = (_, response) =>
      response.writeHead(401, { 'www-authenticate': challenge }).end().writableEnded;
    await expectCodeAsync(resolve(), 'registry_failed');
    expect(plain.requests).toEqual([]);
  });
});

describe('onRequest', () => {
  it('tells of every request, answered or not', async () => {
    const events: RequestEvent[] = [];
    const registry = await openRegistry({ auth: 'bearer', anonymous: true });
    const image = registry.pushImage('team/app');
    const client = openClient({ onRequest: (event) => events.push(event) });
    const reference = { registry: registry.host, repository: 'team/app', digest: image.digest };
    await client.resolve(reference, NEVER);
    await registry.close();
    await expectCodeAsync(client.resolve(reference, NEVER), 'registry_unreachable');
    expect(events.slice(0, 4).map(({ operation, status }) => [operation, status])).toEqual([
      ['resolve', 401],
      ['token', 200],
      ['resolve', 200],
      ['resolve', undefined],
    ]);
    expect(new Set(events.map((event) => event.registry))).toEqual(new Set([reference.registry]));
    expect(events.every(({ durationMs }) => durationMs >= 0)).toBe(true);
  });
});
