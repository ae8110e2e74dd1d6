import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { RegistryClientOptions } from '../../../agent/verifier/registry/client.ts';
import {
  basicAuthorization,
  type Credential,
  type CredentialEvent,
  type CredentialSource,
} from '../../../agent/verifier/registry/credentials/credential.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { TEST_CREDENTIAL, type TestRegistryOptions } from '../../support/registry.ts';
import { NEVER, openClient, openRegistry } from './fixture.ts';

const wrong = { ...TEST_CREDENTIAL, source: 'pull_secret', password: 'a wrong password' } as const;
const only = (...credentials: readonly Credential[]): CredentialSource => {
  return () => Promise.resolve(credentials);
};

async function openGuarded(
  registryOptions: TestRegistryOptions,
  clientOptions: Partial<RegistryClientOptions>,
) {
  const registry = await openRegistry(registryOptions);
  const client = openClient(clientOptions);
  const { digest } = registry.pushImage('team/app');
  const name = { registry: registry.host, repository: 'team/app', digest };
  const resolve = () => client.resolve(name, NEVER);
  const tokenRequests = () => registry.requests.filter(({ path }) => path.startsWith('/token'));
  return { registry, resolve, tokenRequests };
}

describe('several credentials', () => {
  it.each(['basic', 'bearer'] as const)('are tried in turn (%s)', async (auth) => {
    const events: CredentialEvent[] = [];
    const onCredential = (event: CredentialEvent) => events.push(event);
    const { registry, resolve } = await openGuarded(
      { auth },
      { credentials: only(wrong, TEST_CREDENTIAL), onCredential },
    );
    await resolve();
    registry.requests.length = 0;
    await resolve();
    expect(registry.requests).toHaveLength(1);
    expect(events).toEqual([
      { registry: registry.host, repository: 'team/app', source: 'docker_config' },
    ]);
  });

  it('are followed by none at all', async () => {
    const events: CredentialEvent[] = [];
    const { resolve, tokenRequests } = await openGuarded(
      { auth: 'bearer', anonymous: true },
      { credentials: only(wrong), onCredential: (event) => events.push(event) },
    );
    await resolve();
    expect(tokenRequests()).toHaveLength(2);
    expect(events.map(({ source }) => source)).toEqual(['none']);
  });

  it('are tried after one that is let in and may not read', async () => {
    const { registry, resolve } = await openGuarded(
      { auth: 'basic' },
      { credentials: only(wrong, TEST_CREDENTIAL) },
    );
    const first = basicAuthorization(wrong.username, wrong.password);
    registry.intercept = ({ headers }, response) => {
      if (headers.authorization !== first) return false;
      response.writeHead(403).end();
      return true;
    };
    expect((await resolve()).size).toBeGreaterThan(0);
  });

  it('are not tried when the registry fails', async () => {
    const { registry, resolve } = await openGuarded(
      { auth: 'bearer' },
      { credentials: only(wrong, TEST_CREDENTIAL) },
    );
    registry.intercept = ({ path }, response) => {
      if (path.startsWith('/token')) response.writeHead(503).end();
      return path.startsWith('/token');
    };
    await expectCodeAsync(resolve(), 'registry_failed');
    expect(registry.requests).toHaveLength(2);
  });
});

describe('a token', () => {
  const token = 'a token of its own';

  it('that is for the registry is sent as it is', async () => {
    const own = { kind: 'registry_token', token: 'own', source: 'docker_config' } as const;
    const { registry, resolve, tokenRequests } = await openGuarded(
      { auth: 'bearer' },
      { credentials: only(own) },
    );
    registry.intercept = ({ headers }, response) => {
      if (headers.authorization !== 'Bearer own') return false;
      response.writeHead(404).end();
      return true;
    };
    await expectCodeAsync(resolve(), 'registry_not_found');
    expect(tokenRequests()).toEqual([]);
  });

  it('that tells who asks is given to the token service in the body alone', async () => {
    const identity = { kind: 'identity_token', token, source: 'provider' } as const;
    const { registry, resolve } = await openGuarded(
      { auth: 'bearer' },
      { credentials: only(identity) },
    );
    const bodies: URLSearchParams[] = [];
    registry.intercept = ({ method, path }, response) => {
      if (!path.startsWith('/token') || method !== 'POST') return false;
      void text(response.req).then((body) => {
        bodies.push(new URLSearchParams(body));
        response.writeHead(200).end(JSON.stringify({ access_token: 'unknown' }));
      });
      return true;
    };
    await expectCodeAsync(resolve(), 'registry_denied');
    expect(Object.fromEntries(bodies[0] ?? [])).toEqual({
      client_id: 'nodeseal',
      grant_type: 'refresh_token',
      refresh_token: token,
      scope: 'repository:team/app:pull',
      service: 'test',
    });
    expect(registry.requests.map(({ path }) => path).join()).not.toContain('refresh_token');
  });

  it('that tells who asks is given to no other origin', async () => {
    const identity = { kind: 'identity_token', token, source: 'provider' } as const;
    const { registry, resolve } = await openGuarded(
      { auth: 'bearer' },
      { credentials: only(identity) },
    );
    const thief = await openRegistry({ auth: 'bearer' });
    registry.intercept = ({ path }, response) => {
      if (!path.startsWith('/token')) return false;
      response.writeHead(307, { location: `${thief.url}${path}` }).end();
      return true;
    };
    await expectCodeAsync(resolve(), 'registry_redirect_refused');
    expect(thief.requests).toEqual([]);
  });
});
