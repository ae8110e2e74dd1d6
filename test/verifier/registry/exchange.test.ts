import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { RegistryLimits } from '../../../agent/verifier/registry/limits.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { TEST_CREDENTIAL } from '../../support/registry.ts';
import { NEVER, openClient, openRegistry, seen } from './fixture.ts';

const LIMIT = 1024;

async function openBlob(limits: Partial<RegistryLimits> = {}) {
  const registry = await openRegistry({ auth: 'basic' });
  const blob = registry.pushBlob('team/app', Buffer.from('an envelope'));
  const repository = { registry: registry.host, repository: 'team/app' };
  const credentials = () => Promise.resolve([TEST_CREDENTIAL]);
  const client = openClient({ credentials, limits });
  const fetch = (signal = NEVER) => client.fetchBlob(repository, blob, LIMIT, signal);
  // From here on the client knows to send the credential at once.
  await fetch();
  registry.requests.length = 0;
  return { registry, blob, fetch };
}

/** Redirects whatever has a path in the table. */
function redirecting(table: Readonly<Record<string, string>>, status = 307) {
  return ({ path }: { path: string }, response: ServerResponse): boolean => {
    const location = table[path];
    if (location === undefined) return false;
    response.writeHead(status, { location }).end('moved');
    return true;
  };
}

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])(
    'follows %i to storage, without credentials',
    async (status) => {
      const { registry, blob, fetch } = await openBlob();
      const storage = await openRegistry();
      storage.pushBlob('store', Buffer.from('an envelope'));
      const stored = `/v2/store/blobs/${blob.digest}`;
      const target = `${storage.url}${stored}?signature=secret`;
      registry.intercept = redirecting({ [`/v2/team/app/blobs/${blob.digest}`]: target }, status);
      expect(Buffer.from(await fetch()).toString()).toBe('an envelope');
      expect(registry.requests[0]?.headers.authorization).toMatch(/^Basic /);
      expect(storage.requests).toMatchObject([{ path: `${stored}?signature=secret` }]);
      expect(storage.requests[0]?.headers.authorization).toBeUndefined();
    },
  );

  it('keeps credentials on the origin that was asked', async () => {
    const { registry, blob, fetch } = await openBlob();
    const elsewhere = `/v2/elsewhere/blobs/${blob.digest}`;
    registry.pushBlob('elsewhere', Buffer.from('an envelope'));
    registry.intercept = redirecting({ [`/v2/team/app/blobs/${blob.digest}`]: elsewhere });
    await fetch();
    expect(registry.requests.at(-1)?.headers.authorization).toMatch(/^Basic /);
  });

  it('does not give credentials back to a redirect that returns', async () => {
    const { registry, blob, fetch } = await openBlob();
    const between = await openRegistry();
    const path = `/v2/team/app/blobs/${blob.digest}`;
    registry.intercept = redirecting({ [path]: `${between.url}/hop` });
    between.intercept = redirecting({ '/hop': `${registry.url}${path}?again` });
    await expectCodeAsync(fetch(), 'registry_denied');
    expect(registry.requests.at(-1)).toMatchObject({ path: `${path}?again` });
    expect(registry.requests.at(-1)?.headers.authorization).toBeUndefined();
  });

  it('follows as many as the limit and not one more', async () => {
    const { registry, blob, fetch } = await openBlob({ redirects: 2 });
    const path = `/v2/team/app/blobs/${blob.digest}`;
    registry.intercept = redirecting({ [path]: '/a', '/a': `${path}?b` });
    await fetch();
    registry.intercept = redirecting({ [path]: '/a', '/a': '/b', '/b': `${path}?c` });
    registry.requests.length = 0;
    await expectCodeAsync(fetch(), 'registry_redirect_refused');
    expect(seen(registry)).toEqual([`GET ${path}`, 'GET /a', 'GET /b']);
  });

  it('ends a circle', async () => {
    const { registry, blob, fetch } = await openBlob();
    const path = `/v2/team/app/blobs/${blob.digest}`;
    registry.intercept = redirecting({ [path]: path });
    await expectCodeAsync(fetch(), 'registry_redirect_refused');
    expect(registry.requests).toHaveLength(6);
  });

  it.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'http://user:secret@127.0.0.1/', 'http://'])(
    'refuses %s',
    async (location) => {
      const { registry, blob, fetch } = await openBlob();
      registry.intercept = redirecting({ [`/v2/team/app/blobs/${blob.digest}`]: location });
      const error = await expectCodeAsync(fetch(), 'registry_redirect_refused');
      expect(error.message).not.toContain('secret');
    },
  );

  it('refuses a redirect without a location', async () => {
    const { registry, fetch } = await openBlob();
    registry.intercept = (_, response) => response.writeHead(302).end().writableEnded;
    await expectCodeAsync(fetch(), 'registry_redirect_refused');
  });
});

describe('429', () => {
  it('is tried once more after a short pause that the registry names', async () => {
    const { registry, fetch } = await openBlob();
    registry.intercept = (_, response) => {
      registry.intercept = undefined;
      return response.writeHead(429, { 'retry-after': '0' }).end().writableEnded;
    };
    await fetch();
    expect(registry.requests).toHaveLength(2);
  });

  it('is reported when it comes twice', async () => {
    const { registry, fetch } = await openBlob();
    registry.intercept = (_, response) =>
      response.writeHead(429, { 'retry-after': '0' }).end().writableEnded;
    await expectCodeAsync(fetch(), 'registry_busy');
    expect(registry.requests).toHaveLength(2);
  });

  it.each(['2', 'Fri, 31 Dec 2100 23:59:59 GMT', 'soon', ''])(
    'is reported at once with a pause of %j',
    async (pause) => {
      const { registry, fetch } = await openBlob();
      registry.intercept = (_, response) =>
        response.writeHead(429, { 'retry-after': pause }).end().writableEnded;
      const error = await expectCodeAsync(fetch(), 'registry_busy');
      expect(error.message).toMatch(`found 429, retry after "${pause}"`);
      expect(registry.requests).toHaveLength(1);
    },
  );

  it('is not waited for by a caller who gives up', async () => {
    const { registry, fetch } = await openBlob({ retryAfterMs: 3_600_000 });
    const caller = new AbortController();
    registry.intercept = (_, response) => {
      response.writeHead(429, { 'retry-after': '3600' }).end(() => caller.abort());
      return true;
    };
    await expectCodeAsync(fetch(caller.signal), 'deadline_exceeded');
  });
});
