import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { CredentialSource } from '../../../agent/verifier/registry/credentials/credential.ts';
import { repositoryOf } from '../../../agent/oci/reference.ts';
import type { RegistryClientOptions } from '../../../agent/verifier/registry/client.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import {
  TEST_CREDENTIAL,
  type TestRegistry,
  type TestRegistryOptions,
} from '../../support/registry.ts';
import { NEVER, openClient, openRegistry, seen } from './fixture.ts';

const RIGHT: CredentialSource = () => Promise.resolve([TEST_CREDENTIAL]);
const WRONG: CredentialSource = () =>
  Promise.resolve([{ ...TEST_CREDENTIAL, password: 'a wrong password' }]);

async function openGuarded(
  registryOptions: TestRegistryOptions,
  clientOptions: Partial<RegistryClientOptions> = {},
) {
  const registry = await openRegistry(registryOptions);
  const client = openClient(clientOptions);
  const resolve = (repository = 'team/app', signal = NEVER) => {
    const image = registry.pushImage(repository);
    return client.resolve({ registry: registry.host, repository, digest: image.digest }, signal);
  };
  const tokenRequests = () => registry.requests.filter(({ path }) => path.startsWith('/token'));
  return { registry, client, resolve, tokenRequests };
}

describe('Basic', () => {
  it('sends the credential once it is asked for, and from then on at once', async () => {
    const { registry, resolve } = await openGuarded({ auth: 'basic' }, { credentials: RIGHT });
    await resolve();
    await resolve('team/other');
    const authorizations = registry.requests.map(({ headers }) => headers.authorization);
    const basic = expect.stringMatching(/^Basic /) as unknown;
    expect(authorizations).toEqual([undefined, basic, basic]);
  });

  it('asks the source by the name of the repository', async () => {
    const asked: string[] = [];
    const { registry, resolve } = await openGuarded(
      { auth: 'basic' },
      { credentials: (name) => (asked.push(repositoryOf(name)), RIGHT(name)) },
    );
    await resolve();
    expect(new Set(asked)).toEqual(new Set([`${registry.host}/team/app`]));
  });

  it('is refused with a wrong credential, without trying it twice', async () => {
    const { registry, resolve } = await openGuarded({ auth: 'basic' }, { credentials: WRONG });
    await expectCodeAsync(resolve(), 'registry_denied');
    await expectCodeAsync(resolve(), 'registry_denied');
    expect(registry.requests).toHaveLength(3);
  });

  it('is refused without a credential', async () => {
    const { registry, resolve } = await openGuarded({ auth: 'basic' });
    await expectCodeAsync(resolve(), 'registry_denied');
    expect(registry.requests).toHaveLength(1);
  });
});

describe('Bearer', () => {
  it('asks the token service for this repository and pull alone', async () => {
    const { registry, resolve, tokenRequests } = await openGuarded(
      { auth: 'bearer' },
      { credentials: RIGHT },
    );
    await resolve();
    expect(registry.requests).toHaveLength(3);
    const [request] = tokenRequests();
    expect(new URL(request?.path ?? '', registry.url).searchParams.toString()).toBe(
      'service=test&scope=repository%3Ateam%2Fapp%3Apull',
    );
    expect(request?.headers.authorization).toMatch(/^Basic /);
    expect(registry.requests.at(-1)?.headers.authorization).toBe('Bearer token-1');
  });

  it('asks anonymously without a credential', async () => {
    const options = { auth: 'bearer', anonymous: true } as const;
    const { resolve, tokenRequests } = await openGuarded(options);
    await resolve();
    expect(tokenRequests()[0]?.headers.authorization).toBeUndefined();
  });

  it('uses a token for every request to its repository', async () => {
    const { registry, resolve } = await openGuarded({ auth: 'bearer' }, { credentials: RIGHT });
    await resolve();
    await resolve();
    expect(seen(registry).map((line) => line.split('?')[0])).toEqual([
      expect.stringMatching(/^HEAD/),
      'GET /token',
      expect.stringMatching(/^HEAD/),
      expect.stringMatching(/^HEAD/),
    ]);
  });

  it('knows where to ask for the next repository without being refused first', async () => {
    const { registry, resolve } = await openGuarded({ auth: 'bearer' }, { credentials: RIGHT });
    await resolve();
    await resolve('team/other');
    expect(registry.requests).toHaveLength(5);
    expect(registry.requests.at(-1)?.headers.authorization).toBe('Bearer token-2');
  });

  it('shares one request to the token service among all who wait for it', async () => {
    const { resolve, tokenRequests } = await openGuarded(
      { auth: 'bearer' },
      { credentials: RIGHT },
    );
    await Promise.all([resolve(), resolve(), resolve(), resolve()]);
    expect(tokenRequests()).toHaveLength(1);
  });

  it('lets others have the token when the one who asked for it gives up', async () => {
    const { registry, resolve } = await openGuarded({ auth: 'bearer' }, { credentials: RIGHT });
    const asked = Promise.withResolvers<undefined>();
    const proceed = Promise.withResolvers<undefined>();
    registry.intercept = ({ path }, response) => {
      if (!path.startsWith('/token')) return false;
      registry.intercept = undefined;
      asked.resolve(undefined);
      void proceed.promise.then(() => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end('{"token":"unknown-to-the-registry"}');
      });
      return true;
    };
    const hasty = new AbortController();
    const first = resolve('team/app', hasty.signal);
    await asked.promise;
    const second = resolve();
    hasty.abort();
    await expectCodeAsync(first, 'deadline_exceeded');
    proceed.resolve(undefined);
    expect((await second).size).toBeGreaterThan(0);
  });

  it('renews a token before it expires', async () => {
    let nowMs = 1_000_000;
    const { resolve, tokenRequests } = await openGuarded(
      { auth: 'bearer', tokenExpiresIn: 300 },
      { credentials: RIGHT, nowMs: () => nowMs },
    );
    await resolve();
    nowMs += 289_000;
    await resolve();
    expect(tokenRequests()).toHaveLength(1);
    nowMs += 2_000;
    await resolve();
    expect(tokenRequests()).toHaveLength(2);
  });

  it('asks for another token when the registry no longer takes the one it gave', async () => {
    const { registry, resolve, tokenRequests } = await openGuarded(
      { auth: 'bearer' },
      { credentials: RIGHT },
    );
    await resolve();
    registry.intercept = ({ headers }, response) => {
      if (headers.authorization !== 'Bearer token-1') return false;
      const challenge = `Bearer realm="${registry.url}/token"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    };
    await resolve();
    expect(tokenRequests()).toHaveLength(2);
  });

  it('gives up when a new token is not taken either', async () => {
    const { registry, resolve } = await openGuarded({ auth: 'bearer' }, { credentials: RIGHT });
    registry.intercept = ({ path }, response) => {
      if (path.startsWith('/token')) return false;
      const challenge = `Bearer realm="${registry.url}/token"`;
      response.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    };
    await expectCodeAsync(resolve(), 'registry_denied');
    // The last is the token service's, which is asked without the credential, too.
    expect(registry.requests).toHaveLength(4);
  });

  it('remembers who asks for what of no more hosts than it keeps connections to', async () => {
    const worlds = await Promise.all([1, 2].map(() => openRegistry({ auth: 'bearer' })));
    const client = openClient({ credentials: RIGHT, limits: { origins: 1 } });
    const resolve = async (registry: TestRegistry) => {
      const { digest } = registry.pushImage('team/app');
      registry.requests.length = 0;
      await client.resolve({ registry: registry.host, repository: 'team/app', digest }, NEVER);
      return registry.requests.length;
    };
    const [one, other] = worlds as [TestRegistry, TestRegistry];
    // Refused, a token, and the image; then the image alone.
    expect([await resolve(one), await resolve(one)]).toEqual([3, 1]);
    expect(await resolve(other)).toBe(3);
    expect(await resolve(one)).toBe(2);
  });

  it('forgets the oldest token beyond the limit', async () => {
    const { resolve, tokenRequests } = await openGuarded(
      { auth: 'bearer' },
      { credentials: RIGHT, limits: { tokens: 2 } },
    );
    for (const repository of ['a', 'b', 'c', 'c', 'b']) await resolve(repository);
    expect(tokenRequests()).toHaveLength(3);
    await resolve('a');
    expect(tokenRequests()).toHaveLength(4);
  });

  it.each([
    [401, 'registry_denied'],
    [403, 'registry_denied'],
    [404, 'registry_failed'],
    [429, 'registry_busy'],
    [500, 'registry_failed'],
  ] as const)('names the token service when it answers %i', async (status, code) => {
    const { registry, resolve } = await openGuarded({ auth: 'bearer' }, { credentials: RIGHT });
    registry.intercept = ({ path }, response) => {
      if (path.startsWith('/token')) response.writeHead(status).end();
      return path.startsWith('/token');
    };
    const error = await expectCodeAsync(resolve(), code);
    expect(error.message).toBe(
      `token service ${registry.url}/token for ${registry.host}/team/app: expected 200, found ${status}`,
    );
  });

  it.each([
    ['not JSON', 'token'],
    ['no token', '{"token":""}'],
    ['a token that would end the header', '{"token":"a\\r\\nX-Injected: b"}'],
    ['a list', '[]'],
  ])('refuses a token service that gives %s', async (_, body) => {
    const { registry, resolve } = await openGuarded({ auth: 'bearer' }, { credentials: RIGHT });
    registry.intercept = ({ path }, response) => {
      if (path.startsWith('/token')) response.writeHead(200).end(body);
      return path.startsWith('/token');
    };
    await expectCodeAsync(resolve(), 'registry_failed');
  });

  it('refuses a token larger than its limit', async () => {
    const { resolve } = await openGuarded(
      { auth: 'bearer' },
      { credentials: RIGHT, limits: { tokenBytes: 10 } },
    );
    await expectCodeAsync(resolve(), 'content_too_large');
  });

  it('sends no credential to a token service that a redirect leads to', async () => {
    const { registry, resolve } = await openGuarded({ auth: 'bearer' }, { credentials: RIGHT });
    const thief = await openRegistry({ auth: 'bearer', anonymous: true });
    registry.intercept = ({ path }, response) => {
      if (!path.startsWith('/token')) return false;
      response.writeHead(307, { location: `${thief.url}${path}` }).end();
      return true;
    };
    await expectCodeAsync(resolve(), 'registry_denied');
    expect(new Set(thief.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set([undefined]),
    );
  });
});

describe('challenges and secrets', () => {
  it('answers nothing to a challenge from where the registry redirected to', async () => {
    const { registry, resolve } = await openGuarded({}, { credentials: RIGHT });
    const thief = await openRegistry({ auth: 'basic' });
    registry.intercept = ({ path }, response) => {
      response.writeHead(307, { location: `${thief.url}${path}` }).end();
      return true;
    };
    await expectCodeAsync(resolve(), 'registry_denied');
    expect(thief.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('treats an unknown challenge as a refusal', async () => {
    const { registry, resolve } = await openGuarded({}, { credentials: RIGHT });
    for (const challenge of ['Negotiate', 'Bearer', '', '"']) {
      registry.intercept = (_, response) =>
        response.writeHead(401, { 'www-authenticate': challenge }).end().writableEnded;
      await expectCodeAsync(resolve(), 'registry_denied');
    }
    expect(registry.requests).toHaveLength(4);
  });

  it('gives up waiting for a credential when its caller does', async () => {
    const { resolve } = await openGuarded(
      { auth: 'basic' },
      { credentials: () => new Promise(() => undefined) },
    );
    await expectCodeAsync(resolve('team/app', AbortSignal.timeout(50)), 'deadline_exceeded');
  });

  it('lets no secret into an error', async () => {
    for (const auth of ['basic', 'bearer'] as const) {
      const { resolve } = await openGuarded({ auth }, { credentials: WRONG });
      const error = await expectCodeAsync(resolve(), 'registry_denied');
      const shown = inspect(error, { depth: Infinity, showHidden: true });
      expect(shown).not.toContain('wrong password');
      expect(shown).not.toContain(Buffer.from('reader:a wrong password').toString('base64'));
    }
  });
});
