import { describe, expect, it, onTestFinished } from 'vitest';
import type { RegistryClientOptions } from '../../../../agent/verifier/registry/client.ts';
import { expectCodeAsync } from '../../../support/expect-code.ts';
import {
  mintClientCertificate,
  startMutualTls,
} from '../../../support/registry/client-certificate.ts';
import { mintServerCertificate } from '../../../support/registry/tls.ts';
import {
  describeBytes,
  SIGNATURE_TYPE,
  TEST_CREDENTIAL,
  type TestRegistry,
  type TestRegistryOptions,
} from '../../../support/registry.ts';
import { NEVER, openClient, openRawServer, openRegistry, seen } from '../fixture.ts';
import { certsD } from './fixture.ts';

interface World {
  readonly mirror?: TestRegistryOptions;
  readonly origin?: TestRegistryOptions;
  /** What hosts.toml says of the mirror. */
  readonly lines?: string;
  readonly client?: Partial<RegistryClientOptions>;
}

/** A registry with a mirror before it, of which both have the image and the registry its signature. */
async function openMirrored({ mirror, origin, lines = '', client }: World = {}) {
  const [near, far] = [await openRegistry(mirror), await openRegistry(origin)];
  const image = far.pushImage('team/app');
  near.pushImage('team/app');
  const files: Record<string, string> = {
    [`${far.host}/hosts.toml`]: `[host."${near.url}"]\n${lines}`,
  };
  const opened = openClient({ hosts: certsD(files), ...client });
  const repository = { registry: far.host, repository: 'team/app' };
  return {
    ...{ near, far, image, files, repository },
    client: opened,
    sign: (registry: TestRegistry, text = 'envelope') =>
      registry.attachSignature('team/app', image, Buffer.from(text), 'application/jose+json'),
    resolve: () => opened.resolve({ ...repository, digest: image.digest }, NEVER),
    resolveTag: () => opened.resolve({ ...repository, tag: 'latest' }, NEVER),
    list: () => opened.listReferrers(repository, image.digest, SIGNATURE_TYPE, NEVER),
  };
}

const answering =
  (status: number, headers: Readonly<Record<string, string>> = {}): TestRegistry['intercept'] =>
  (_, response) =>
    response.writeHead(status, headers).end().writableEnded;

describe('a mirror', () => {
  it('is asked instead of the registry, and told which one that is', async () => {
    const { near, far, image, resolve, client, repository } = await openMirrored();
    expect(await resolve()).toEqual(image);
    await client.fetchManifest(repository, image, NEVER);
    const ns = `?ns=${encodeURIComponent(far.host)}`;
    expect(seen(near)).toEqual([
      `HEAD /v2/team/app/manifests/${image.digest}${ns}`,
      `GET /v2/team/app/manifests/${image.digest}${ns}`,
    ]);
    expect(far.requests).toEqual([]);
  });

  it('resolves no tag unless it is said to', async () => {
    const { near, far, resolve, resolveTag } = await openMirrored({
      lines: 'capabilities = ["pull"]',
    });
    await resolve();
    expect(far.requests).toEqual([]);
    near.requests.length = 0;
    await resolveTag();
    expect(near.requests).toEqual([]);
    expect(seen(far)).toEqual(['HEAD /v2/team/app/manifests/latest']);
  });

  it('is asked below the path that it is given', async () => {
    const { near, far, image, files, resolve } = await openMirrored();
    files[`${far.host}/hosts.toml`] = `[host."${near.url}/v2/proxy"]\noverride_path = true`;
    near.intercept = ({ path }, response) => {
      response.writeHead(200, {
        'content-type': image.mediaType,
        'content-length': String(image.size),
        'docker-content-digest': image.digest,
      });
      response.end();
      return path.length > 0;
    };
    await resolve();
    expect(near.requests[0]?.path).toMatch(/^\/v2\/proxy\/team\/app\/manifests\/sha256:/);
  });

  it.each([401, 403, 404, 429, 500, 503])('that answers %i is passed over', async (status) => {
    const { near, far, image, resolve } = await openMirrored();
    near.intercept = answering(status);
    expect(await resolve()).toEqual(image);
    expect(far.requests).toHaveLength(1);
  });

  it('that serves something else is passed over', async () => {
    const { near, far, client, repository } = await openMirrored();
    const bytes = Buffer.from('an envelope');
    const envelope = far.pushBlob('team/app', bytes);
    near.intercept = (_, response) => response.writeHead(200).end('an ENVELOPE').writableEnded;
    const fetched = await client.fetchBlob(repository, envelope, 1024, NEVER);
    expect(Buffer.from(fetched)).toEqual(bytes);
  });

  it('that is not there is passed over, and asked no more for a while', async () => {
    let nowMs = 0;
    const { near, far, files, resolve } = await openMirrored({ client: { nowMs: () => nowMs } });
    let connections = 0;
    const broken = await openRawServer((socket) => {
      connections++;
      socket.resetAndDestroy();
    });
    files[`${far.host}/hosts.toml`] = `[host."http://${broken}"]\n[host."${near.url}"]`;
    await resolve();
    await resolve();
    expect(connections).toBe(2);
    expect(far.requests).toEqual([]);
    expect(near.requests).toHaveLength(2);
    nowMs += 30_000;
    await resolve();
    expect(connections).toBe(4);
  });

  it('that is silent leaves the registry its time', async () => {
    const { far, files, resolve } = await openMirrored({ client: { limits: { mirrorMs: 50 } } });
    let asked = 0;
    const silent = await openRawServer((socket) => socket.once('data', () => asked++));
    files[`${far.host}/hosts.toml`] = `[host."http://${silent}"]`;
    await resolve();
    await resolve();
    expect(asked).toBe(1);
  });

  it('leaves the last word to the registry, though it was silent before', async () => {
    const { near, far, resolve } = await openMirrored();
    near.intercept = answering(500);
    far.intercept = answering(403);
    await expectCodeAsync(resolve(), 'registry_denied');
    near.intercept = answering(403);
    far.intercept = answering(404);
    await expectCodeAsync(resolve(), 'registry_not_found');
    await far.close();
    await expectCodeAsync(resolve(), 'registry_unreachable');
  });

  it('is no way round the end of the time', async () => {
    const { near, far, client, image, repository } = await openMirrored();
    const caller = new AbortController();
    near.intercept = () => {
      caller.abort();
      return true;
    };
    const reference = { ...repository, digest: image.digest };
    await expectCodeAsync(client.resolve(reference, caller.signal), 'deadline_exceeded');
    expect(far.requests).toEqual([]);
  });

  it('is the only one where it is the server, too', async () => {
    const { near, far, files, resolve } = await openMirrored();
    files[`${far.host}/hosts.toml`] = `server = "${near.url}"`;
    await resolve();
    near.intercept = answering(404);
    await expectCodeAsync(resolve(), 'registry_not_found');
    expect(far.requests).toEqual([]);
  });

  it('that may not pull is asked for nothing', async () => {
    const { near, resolve } = await openMirrored({ lines: 'capabilities = ["push"]' });
    await resolve();
    expect(near.requests).toEqual([]);
  });

  it('is refused where the only host may not pull', async () => {
    const { near, far, files, resolve } = await openMirrored();
    files[`${far.host}/hosts.toml`] = `server = "${near.url}"\ncapabilities = ["push"]`;
    await expectCodeAsync(resolve(), 'registry_hosts_invalid');
  });
});

describe('signatures', () => {
  it('are looked for at the mirror', async () => {
    const { near, far, sign, list } = await openMirrored();
    const signature = sign(near);
    expect(await list()).toMatchObject({
      descriptors: [{ digest: signature.digest }],
      source: 'mirror',
    });
    expect(far.requests).toEqual([]);
  });

  it.each([
    ['lists none', {}, undefined],
    ['has no referrers API', { referrers: false }, undefined],
    ['answers with a web page', { referrers: 'html200' }, undefined],
    ['denies', {}, answering(401)],
    ['fails', {}, answering(500)],
  ] as const)(
    'are looked for at the registry when the mirror %s',
    async (_, options, intercept) => {
      const { near, far, sign, list } = await openMirrored({ mirror: options });
      const signature = sign(far);
      near.intercept = intercept;
      expect(await list()).toMatchObject({
        descriptors: [{ digest: signature.digest }],
        source: 'api',
      });
    },
  );

  it('are fetched from where they were listed', async () => {
    const { near, far, sign, list, client, repository } = await openMirrored();
    const signature = sign(far);
    await list();
    near.requests.length = 0;
    await client.fetchManifest(repository, signature, NEVER);
    expect(near.requests).toEqual([]);
    // As containerd, by any host: a mirror may have fetched it meanwhile.
    far.intercept = answering(500);
    await expectCodeAsync(client.fetchManifest(repository, signature, NEVER), 'registry_failed');
    expect(near.requests).toHaveLength(1);
  });

  it('are missing only by the word of the registry', async () => {
    const { near, far, list } = await openMirrored();
    expect(await list()).toMatchObject({ descriptors: [], source: 'api' });
    far.intercept = answering(403);
    await expectCodeAsync(list(), 'registry_denied');
    far.intercept = undefined;
    near.intercept = answering(403);
    expect(await list()).toMatchObject({ descriptors: [] });
  });

  it('are asked for at the registry alone where a mirror had others', async () => {
    const { near, far, image, sign, client, repository } = await openMirrored();
    sign(near, 'stale');
    const signature = sign(far);
    const listed = await client.listReferrersOfRegistry(
      repository,
      image.digest,
      SIGNATURE_TYPE,
      NEVER,
    );
    expect(listed.descriptors.map(({ digest }) => digest)).toEqual([signature.digest]);
    expect(near.requests).toEqual([]);
  });

  it('of a mirror that lists them in pages come with its namespace', async () => {
    const { near, far, sign, list } = await openMirrored({ mirror: { pageSize: 1 } });
    sign(near, 'one');
    sign(near, 'two');
    near.intercept = ({ path }, response) => {
      if (new URL(path, near.url).searchParams.get('ns') === far.host) return false;
      return response.writeHead(400).end().writableEnded;
    };
    expect((await list()).descriptors).toHaveLength(2);
  });
});

describe('headers of hosts.toml', () => {
  const lines =
    '[host."MIRROR".header]\nX-Team = "a"\nAuthorization = "Basic bWlycm9yOnNlY3JldA=="';

  async function openHeaded(mirror: TestRegistryOptions = {}) {
    const world = await openMirrored({ mirror });
    const { near, far, files } = world;
    const table = lines.replace('MIRROR', near.url);
    files[`${far.host}/hosts.toml`] = `[host."${near.url}"]\n${table}`;
    return world;
  }

  it('are sent to that host and to no other', async () => {
    const { near, far, resolve } = await openHeaded();
    near.intercept = answering(404);
    await resolve();
    expect(near.requests[0]?.headers).toMatchObject({
      'x-team': 'a',
      authorization: 'Basic bWlycm9yOnNlY3JldA==',
    });
    expect(far.requests[0]?.headers).not.toHaveProperty('x-team');
    expect(far.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  it('are not sent to where that host redirects to', async () => {
    const { near, resolve } = await openHeaded();
    const storage = await openRegistry();
    const image = storage.pushImage('team/app');
    near.intercept = ({ path }, response) =>
      response.writeHead(307, { location: `${storage.url}${path}` }).end().writableEnded;
    expect((await resolve()).digest).toBe(image.digest);
    expect(storage.requests[0]?.headers).not.toHaveProperty('x-team');
    expect(storage.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  it('are sent to its token service, but for what is meant for the host alone', async () => {
    const { near, far, resolve } = await openHeaded({ auth: 'bearer', anonymous: true });
    await resolve();
    expect(far.requests).toEqual([]);
    const token = near.requests.find(({ path }) => path.startsWith('/token'));
    expect(token?.headers['x-team']).toBe('a');
    expect(token?.headers.authorization).toBeUndefined();
  });
});

describe('credentials', () => {
  const credentials: RegistryClientOptions['credentials'] = () =>
    Promise.resolve([TEST_CREDENTIAL]);

  it('of the registry are given to a mirror that asks, as containerd gives them', async () => {
    const { far, resolve } = await openMirrored({
      mirror: { auth: 'basic' },
      client: { credentials },
    });
    await resolve();
    expect(far.requests).toEqual([]);
  });

  it('of the mirror come first', async () => {
    const asked: string[] = [];
    const { near, far, resolve } = await openMirrored({
      mirror: { auth: 'bearer' },
      client: {
        credentials: (name) => (asked.push(name.registry), credentials(name)),
      },
    });
    await resolve();
    expect(asked).toEqual([near.host, far.host]);
    expect(far.requests).toEqual([]);
  });

  it('and tokens are not mixed up between hosts', async () => {
    const { near, far, resolve } = await openMirrored({
      mirror: { auth: 'bearer' },
      origin: { auth: 'bearer' },
      client: { credentials },
    });
    await resolve();
    near.intercept = answering(404);
    await resolve();
    expect(far.requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      expect.stringMatching(/^Basic /),
      'Bearer token-1',
    ]);
  });
});

describe('TLS of hosts.toml', () => {
  const server = mintServerCertificate('Ours');
  const theirs = mintServerCertificate('Theirs');

  async function openTls(lines: string, ca = server.ca) {
    const registry = await openRegistry({ tls: server });
    const image = registry.pushImage('team/app');
    const files: Record<string, string> = {
      [`${registry.host}/hosts.toml`]: `server = "https://${registry.host}"\n${lines}`,
      [`${registry.host}/ca.pem`]: ca,
    };
    const client = openClient({ hosts: certsD(files) });
    const reference = {
      registry: registry.host,
      repository: 'team/app',
      digest: image.digest,
    };
    return { registry, resolve: () => client.resolve(reference, NEVER) };
  }

  it('trusts the CA that it names, and no other', async () => {
    const good = await openTls('ca = "ca.pem"');
    expect(await good.resolve()).toHaveProperty('digest');
    const bad = await openTls('ca = "ca.pem"', theirs.ca);
    await expectCodeAsync(bad.resolve(), 'registry_unreachable');
    expect(bad.registry.requests).toEqual([]);
  });

  it('looks at no certificate where it says so', async () => {
    const { resolve } = await openTls('skip_verify = true');
    expect(await resolve()).toHaveProperty('digest');
    const { resolve: verify } = await openTls('skip_verify = false');
    await expectCodeAsync(verify(), 'registry_unreachable');
  });

  it('shows the certificate that it names, and to no other origin', async () => {
    const client = mintClientCertificate('Clients');
    const registry = await openRegistry();
    const image = registry.pushImage('team/app');
    const front = await startMutualTls(registry.host, server, client.ca);
    onTestFinished(() => front.close());
    const files: Record<string, string> = {
      [`${front.host}/hosts.toml`]: 'client = "client.pem"\nca = "ca.pem"',
      [`${front.host}/ca.pem`]: server.ca,
      [`${front.host}/client.pem`]: client.certificate + client.key,
    };
    const reference = { registry: front.host, repository: 'team/app', digest: image.digest };
    const resolve = () => openClient({ hosts: certsD(files) }).resolve(reference, NEVER);
    expect(await resolve()).toEqual(image);
    // Another server that asks for the same certificate.
    const other = await startMutualTls(registry.host, server, client.ca);
    onTestFinished(() => other.close());
    registry.intercept = ({ path }, response) =>
      response.writeHead(307, { location: `https://${other.host}${path}` }).end().writableEnded;
    await expectCodeAsync(resolve(), 'registry_unreachable');
    registry.intercept = undefined;
    files[`${front.host}/hosts.toml`] = 'ca = "ca.pem"';
    await expectCodeAsync(resolve(), 'registry_unreachable');
  });

  it('is refused with a key that is none', async () => {
    const { resolve } = await openTls('client = "ca.pem"');
    await expectCodeAsync(resolve(), 'registry_hosts_invalid');
  });
});

describe('content that no host has', () => {
  it('is not there', async () => {
    const { client, repository } = await openMirrored();
    const blob = describeBytes(Buffer.from('nowhere'), 'application/octet-stream');
    await expectCodeAsync(client.fetchBlob(repository, blob, 1024, NEVER), 'registry_not_found');
  });
});
