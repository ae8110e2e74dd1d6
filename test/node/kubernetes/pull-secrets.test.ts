import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parsePullingPodPage,
  parsePullSecret,
  parseServiceAccount,
} from '../../../agent/node/kubernetes/pull-secret.ts';
import {
  listPullingPods,
  readPullSecret,
  readServiceAccount,
} from '../../../agent/node/kubernetes/read-pull-secrets.ts';
import { expectCode, expectCodeAsync } from '../../support/expect-code.ts';
import { startKubernetesApi } from '../../support/kubernetes-api.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';

const NEVER = new AbortController().signal;
const body = (value: unknown) => Buffer.from(JSON.stringify(value));
const ok = (value: unknown) => ({ status: 200, body: body(value) });

const POD = {
  metadata: { namespace: 'team', name: 'app', uid: 'uid-1' },
  spec: {
    serviceAccountName: 'builder',
    initContainers: [{ image: 'a.example/init' }],
    containers: [{ image: 'a.example/app:v1' }, { image: 'busybox' }],
    imagePullSecrets: [{ name: 'registry' }, {}],
  },
};
const SECRET = {
  kind: 'Secret',
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': Buffer.from('{"auths":{}}').toString('base64') },
};

describe('the pods of a node', () => {
  it('say what they pull, and with what', () => {
    const { pods, next } = parsePullingPodPage(ok({ items: [POD, { metadata: {} }, 7] }));
    expect(pods).toEqual([
      {
        ...{ namespace: 'team', name: 'app', uid: 'uid-1' },
        images: ['a.example/init', 'a.example/app:v1', 'busybox'],
        secrets: ['registry'],
        serviceAccount: 'builder',
      },
    ]);
    expect(next).toBe('');
  });

  it('name no Secret that would lead elsewhere', () => {
    const names = ['../../nodes/x', 'a/b', 'a?b', 'A', '', '.', 7];
    const spec = { ...POD.spec, imagePullSecrets: names.map((name) => ({ name })) };
    expect(parsePullingPodPage(ok({ items: [{ ...POD, spec }] })).pods[0]?.secrets).toEqual([]);
    for (const key of ['namespace', 'name', 'uid']) {
      const metadata = { ...POD.metadata, [key]: '../x' };
      expect(parsePullingPodPage(ok({ items: [{ ...POD, metadata }] })).pods).toEqual([]);
    }
  });

  it('are listed page by page', async () => {
    const api = await startKubernetesApi('node-1');
    api.intercept = ({ path }, response) => {
      const next = path?.includes('continue=more') === true ? '' : 'more';
      response.writeHead(200).end(body({ items: [POD], metadata: { continue: next } }));
      return true;
    };
    expect(await listPullingPods(api, 'node-1', NEVER)).toHaveLength(2);
    expect(api.seen[0]?.path).toContain('fieldSelector=spec.nodeName%3Dnode-1');
  });

  it('are a fault when the API server says so, or no end comes', async () => {
    const api = await startKubernetesApi('node-1');
    for (const [status, value] of [
      [403, { message: 'forbidden' }],
      [410, {}],
      [200, { items: [], metadata: { continue: 'more' } }],
      [200, []],
    ] as const) {
      api.intercept = (_, response) => {
        response.writeHead(status).end(body(value));
        return true;
      };
      await expectCodeAsync(listPullingPods(api, 'node-1', NEVER), 'kubernetes_failed');
    }
  });
});

describe('a Secret', () => {
  it('holds Docker’s configuration in one of two forms', () => {
    const document = Buffer.from('{"auths":{}}');
    expect(parsePullSecret(ok(SECRET), 'secret')).toEqual({ form: 'config', document });
    const data = { '.dockercfg': SECRET.data['.dockerconfigjson'] };
    const legacy = { ...SECRET, type: 'kubernetes.io/dockercfg', data };
    expect(parsePullSecret(ok(legacy), 'secret')).toEqual({ form: 'legacy', document });
  });

  it('may be missing, or of another type', () => {
    expect(parsePullSecret({ status: 404, body: body({}) }, 'secret')).toBeNull();
    const opaque = { ...SECRET, type: 'Opaque', data: { password: 'eA==' } };
    expect(parsePullSecret(ok(opaque), 'secret')).toBeNull();
  });

  it.each([
    [ok([])],
    [ok({ kind: 'ConfigMap' })],
    [{ status: 403, body: body({ message: 'no' }) }],
  ])('is not %j', (reply) => {
    expectCode(() => parsePullSecret(reply, 'secret'), 'kubernetes_failed');
  });

  it('is asked for by its name', async () => {
    const api = await startKubernetesApi('node-1');
    api.intercept = (_, response) => {
      response.writeHead(200).end(body(SECRET));
      return true;
    };
    expect(await readPullSecret(api, 'team', 'registry', NEVER)).not.toBeNull();
    expect(api.seen[0]).toMatchObject({
      method: 'GET',
      path: '/api/v1/namespaces/team/secrets/registry',
    });
  });
});

describe('a service account', () => {
  const account = { kind: 'ServiceAccount', imagePullSecrets: [{ name: 'registry' }] };

  it('names pull secrets', async () => {
    const api = await startKubernetesApi('node-1');
    api.intercept = (_, response) => {
      response.writeHead(200).end(body(account));
      return true;
    };
    expect(await readServiceAccount(api, 'team', 'builder', NEVER)).toEqual(['registry']);
    expect(api.seen[0]?.path).toBe('/api/v1/namespaces/team/serviceaccounts/builder');
  });

  it('may be missing, but nothing else', () => {
    expect(parseServiceAccount({ status: 404, body: body({}) }, 'account')).toEqual([]);
    const forbidden = { status: 403, body: body({}) };
    expectCode(() => parseServiceAccount(forbidden, 'account'), 'kubernetes_failed');
    expectCode(() => parseServiceAccount(ok({ kind: 'Secret' }), 'account'), 'kubernetes_failed');
  });
});

it('answers of the API server are read or refused, whatever they are', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(200, 404, 410, 500), (text, status) => {
      const reply = { status, body: Buffer.from(text) };
      valueOrAgentError(() => parsePullingPodPage(reply));
      valueOrAgentError(() => parsePullSecret(reply, 'secret'));
      valueOrAgentError(() => parseServiceAccount(reply, 'account'));
    }),
  );
});
