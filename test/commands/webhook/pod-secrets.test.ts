// Private images under review: opened by the pod's own pull secrets, or its service account's, and for nobody else.
import { describe, expect, it } from 'vitest';
import { POD, reviewOf } from '../../support/admission.ts';
import { startKubernetesApi } from '../../support/kubernetes-api.ts';
import { TEST_CREDENTIAL } from '../../support/registry.ts';
import {
  askWebhook,
  CertificateFiles,
  startWebhook,
  TrustedRegistry,
} from '../../support/webhook.ts';

async function open(auth: 'basic' | 'bearer') {
  const trusted = await TrustedRegistry.open({ auth });
  const files = new CertificateFiles();
  const api = await startKubernetesApi('node');
  const asked: string[] = [];
  api.intercept = ({ path = '' }, response) => {
    asked.push(path);
    const [, namespace, kind, name] =
      /^\/api\/v1\/namespaces\/([^/]+)\/(secrets|serviceaccounts)\/([^/]+)$/.exec(path) ?? [];
    const found = namespace === 'default' ? objectOf(trusted.registry.host, kind, name) : undefined;
    const answer = found ?? { kind: 'Status', message: 'not found' };
    response.writeHead(found === undefined ? 404 : 200).end(JSON.stringify(answer));
    return true;
  };
  const settings = {
    ...{ ...trusted.settings, ...files.settings, ...api.environment },
    ...{ NODESEAL_MODE: 'enforce', NODESEAL_PULL_SECRETS: 'on' },
  };
  const running = await startWebhook(settings, api.serviceAccountDir);
  const image = trusted.push('good', trusted.ca);
  const ask = async (spec: object, namespace = 'default') => {
    const review = reviewOf(
      POD,
      { spec: { containers: [{ name: 'app', image }], ...spec } },
      { namespace },
    );
    const { allowed, status } = await askWebhook(running, review, {
      ca: files.current.certificate,
    });
    return allowed
      ? 'admitted'
      : (/: (\w+)(?: \(could not| ?:)/.exec(status?.message ?? '')?.[1] ?? status?.message);
  };
  return { ask, asked };
}

/** The Secret `good`, the Secret `wrong`, and the service account `builder` that has the first. */
function objectOf(host: string, kind: string | undefined, name: string | undefined) {
  if (kind === 'serviceaccounts') {
    const imagePullSecrets = name === 'builder' ? [{ name: 'good' }] : [];
    return { kind: 'ServiceAccount', metadata: { name }, imagePullSecrets };
  }
  if (name !== 'good' && name !== 'wrong') return undefined;
  const { username, password } = TEST_CREDENTIAL;
  const auth = { username, password: name === 'good' ? password : 'wrong' };
  const document = Buffer.from(JSON.stringify({ auths: { [host]: auth } })).toString('base64');
  const data = { '.dockerconfigjson': document };
  return { kind: 'Secret', type: 'kubernetes.io/dockerconfigjson', metadata: { name }, data };
}

describe.each(['basic', 'bearer'] as const)('a private image (%s)', (auth) => {
  it('is opened by the secret that its pod names, and by that of its service account', async () => {
    const { ask } = await open(auth);
    expect(await ask({ imagePullSecrets: [{ name: 'good' }] })).toBe('admitted');
    expect(await ask({ imagePullSecrets: [{ name: 'missing' }, { name: 'good' }] })).toBe(
      'admitted',
    );
    expect(await ask({ serviceAccountName: 'builder' })).toBe('admitted');
  });

  it('stays closed for others, whoever was let in before', async () => {
    const { ask, asked } = await open(auth);
    expect(await ask({ imagePullSecrets: [{ name: 'good' }] })).toBe('admitted');
    expect(await ask({})).toBe('registry_denied');
    expect(await ask({ imagePullSecrets: [{ name: 'wrong' }] })).toBe('registry_denied');
    expect(await ask({ imagePullSecrets: [{ name: 'good' }] }, 'other')).toBe('registry_denied');
    const elsewhere = [{ name: '../../default/secrets/good' }];
    expect(await ask({ imagePullSecrets: elsewhere }, 'other')).toBe('registry_denied');
    expect(asked.some((path) => path.includes('..'))).toBe(false);
  });
});
