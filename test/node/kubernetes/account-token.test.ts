import { describe, expect, it } from 'vitest';
import {
  readAccountDetails,
  requestAccountToken,
} from '../../../agent/node/kubernetes/account-token.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { type KubernetesApi, startKubernetesApi } from '../../support/kubernetes-api.ts';

const NEVER = new AbortController().signal;
const POD = { namespace: 'team', name: 'app', uid: 'uid-1', serviceAccount: 'builder' };
const ask = (api: KubernetesApi) => requestAccountToken(api, POD, 'registry', NEVER);

async function answering(status: number, value: unknown) {
  const api = await startKubernetesApi('node-1');
  const bodies: unknown[] = [];
  api.intercept = (_, response, body) => {
    bodies.push(body === '' ? undefined : JSON.parse(body));
    response.writeHead(status).end(JSON.stringify(value));
    return true;
  };
  return { api, bodies };
}

describe('a token of a service account', () => {
  it('is asked for one audience, and bound to the pod', async () => {
    const { api, bodies } = await answering(201, { status: { token: 'a.b.c' } });
    expect(await ask(api)).toBe('a.b.c');
    expect(api.seen[0]).toMatchObject({
      method: 'POST',
      path: '/api/v1/namespaces/team/serviceaccounts/builder/token',
    });
    expect(bodies).toEqual([
      {
        ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
        spec: {
          audiences: ['registry'],
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'app', uid: 'uid-1' },
        },
      },
    ]);
  });

  it.each([
    [403, { message: 'forbidden' }],
    [200, { status: { token: 'a.b.c' } }],
    [201, { status: {} }],
    [201, { status: { token: 'a secret\n' + 'token' } }],
    [201, 'a secret'],
  ])('is not what comes with %i and %j, of which nothing is quoted', async (status, value) => {
    const { api } = await answering(status, value);
    const error = await expectCodeAsync(ask(api), 'kubernetes_failed');
    expect(error.message).not.toContain('secret');
  });
});

describe('a service account', () => {
  const read = (api: KubernetesApi) => readAccountDetails(api, 'team', 'builder', NEVER);

  it('has annotations', async () => {
    const metadata = { uid: 'uid-2', annotations: { client: 'x', odd: 7 } };
    const { api } = await answering(200, { kind: 'ServiceAccount', metadata });
    expect(await read(api)).toEqual({ uid: 'uid-2', annotations: new Map([['client', 'x']]) });
    expect(api.seen[0]?.path).toBe('/api/v1/namespaces/team/serviceaccounts/builder');
  });

  it('may not be there', async () => {
    expect(await read((await answering(404, {})).api)).toBeNull();
  });

  it.each([
    [403, { message: 'forbidden' }],
    [200, {}],
    [200, []],
  ])('is not %i with %j', async (status, value) => {
    const { api } = await answering(status, value);
    await expectCodeAsync(read(api), 'kubernetes_failed');
  });
});
