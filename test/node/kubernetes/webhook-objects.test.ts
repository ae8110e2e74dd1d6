import { describe, expect, it } from 'vitest';
import {
  parseAdmissionService,
  parseClusterIp,
  serviceHost,
  servicePath,
} from '../../../agent/node/kubernetes/admission-webhook.ts';
import type { Reply } from '../../../agent/node/kubernetes/reply.ts';
import {
  isPatchTaken,
  parseSecret,
  secretPatch,
  secretPath,
} from '../../../agent/node/kubernetes/secret.ts';
import {
  assertPatchTaken,
  caBundlePatch,
  webhookConfigurationPath,
} from '../../../agent/node/kubernetes/webhook-configuration.ts';
import { expectCode } from '../../support/expect-code.ts';

const SECRET = { namespace: 'nodeseal', name: 'nodeseal-webhook' };
const CONFIGURATION = { kind: 'ValidatingWebhookConfiguration', name: 'nodeseal' } as const;
const base64 = (text: string) => Buffer.from(text).toString('base64');

function reply(value: unknown, status = 200): Reply {
  return { status, body: Buffer.from(JSON.stringify(value)) };
}

describe('a Secret', () => {
  const good = {
    kind: 'Secret',
    metadata: { resourceVersion: '7' },
    data: { 'tls.crt': base64('certificate') },
  };

  it('is read with its version, also where it is empty', () => {
    const content = parseSecret(reply(good), SECRET);
    expect(content).toEqual({
      resourceVersion: '7',
      entries: new Map([['tls.crt', 'certificate']]),
    });
    expect(parseSecret(reply({ ...good, data: undefined }), SECRET).entries.size).toBe(0);
    expect(secretPath(SECRET)).toBe('/api/v1/namespaces/nodeseal/secrets/nodeseal-webhook');
  });

  it.each([
    ['of another kind', reply({ ...good, kind: 'ConfigMap' })],
    ['without a version', reply({ ...good, metadata: {} })],
    ['with numbers', reply({ ...good, data: { a: 1 } })],
    ['that may not be read', reply({ message: 'forbidden' }, 403)],
    ['that is no JSON', { status: 200, body: Buffer.from('<') }],
  ])('is refused %s', (_, answer) => {
    expectCode(() => parseSecret(answer, SECRET), 'kubernetes_failed');
  });

  it('is changed only in the version that was read', () => {
    const content = parseSecret(reply(good), SECRET);
    expect(secretPatch(content, { 'tls.crt': 'new', 'next.crt': undefined })).toEqual({
      metadata: { resourceVersion: '7' },
      data: { 'tls.crt': base64('new'), 'next.crt': null },
    });
    expect(isPatchTaken(reply({}), SECRET)).toBe(true);
    expect(isPatchTaken(reply({}, 409), SECRET)).toBe(false);
    expectCode(() => isPatchTaken(reply({ message: 'no' }, 403), SECRET), 'kubernetes_failed');
  });
});

describe('a webhook configuration', () => {
  const of = (...bundles: readonly (string | undefined)[]) =>
    reply({
      kind: CONFIGURATION.kind,
      webhooks: bundles.map((caBundle, n) => ({
        name: `w${n}.nodeseal.io`,
        clientConfig: { service: {}, ...(caBundle === undefined ? {} : { caBundle }) },
      })),
    });

  it('is changed where a webhook of it trusts another', () => {
    const encoded = base64('new');
    expect(caBundlePatch(of(undefined, encoded, base64('old')), CONFIGURATION, 'new')).toEqual({
      webhooks: [0, 2].map((n) => ({
        name: `w${n}.nodeseal.io`,
        clientConfig: { caBundle: encoded },
      })),
    });
    expect(caBundlePatch(of(encoded), CONFIGURATION, 'new')).toBeUndefined();
    expect(webhookConfigurationPath(CONFIGURATION)).toBe(
      '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/nodeseal',
    );
  });

  it.each([
    ['that is another', reply({ kind: 'MutatingWebhookConfiguration' })],
    ['that is not there', reply({ message: 'not found' }, 404)],
  ])('is refused %s', (_, answer) => {
    expectCode(() => caBundlePatch(answer, CONFIGURATION, 'new'), 'kubernetes_failed');
  });

  it('tells when it was not changed', () => {
    assertPatchTaken(reply({}), CONFIGURATION);
    expectCode(() => {
      assertPatchTaken(reply({ message: 'no' }, 403), CONFIGURATION);
    }, 'kubernetes_failed');
  });
});

describe('where the webhook is', () => {
  const service = { namespace: 'nodeseal', name: 'nodeseal-webhook', port: 8443 };
  const found = { ...service, ca: 'PEM' };
  const clientConfig = { service, caBundle: base64('PEM') };
  const configured = (...webhooks: readonly unknown[]) =>
    reply({ kind: 'ValidatingWebhookConfiguration', webhooks });

  it('is read from the configuration that the API server goes by', () => {
    const at = parseAdmissionService(configured({ clientConfig }), 'nodeseal');
    expect(at).toEqual(found);
    expect(servicePath(at)).toBe('/api/v1/namespaces/nodeseal/services/nodeseal-webhook');
    expect(serviceHost(at)).toBe('nodeseal-webhook.nodeseal.svc');
  });

  it('is at the port of HTTPS, unless another is named', () => {
    const bare = { namespace: 'nodeseal', name: 'nodeseal-webhook' };
    const config = { ...clientConfig, service: bare };
    const at = parseAdmissionService(configured({ clientConfig: config }), 'nodeseal');
    expect(at.port).toBe(443);
  });

  it.each([
    ['names none', configured()],
    ['names an address', configured({ clientConfig: { url: 'https://a.example', caBundle: 'a' } })],
    ['says not whom to trust', configured({ clientConfig: { service } })],
    ['is of another kind', reply({ kind: 'MutatingWebhookConfiguration', webhooks: [] })],
    ['may not be read', reply({ message: 'forbidden' }, 403)],
  ])('is not known where the configuration %s', (_, answer) => {
    expectCode(() => parseAdmissionService(answer, 'nodeseal'), 'kubernetes_failed');
  });

  it.each(['10.96.0.7', 'fd00::7'])('has the address %s', (clusterIP) => {
    expect(parseClusterIp(reply({ kind: 'Service', spec: { clusterIP } }), found)).toBe(clusterIP);
  });

  it.each([
    ['none', reply({ kind: 'Service', spec: {} })],
    ['none, by choice', reply({ kind: 'Service', spec: { clusterIP: 'None' } })],
    ['of another object', reply({ kind: 'Pod', spec: { clusterIP: '10.96.0.7' } })],
    ['that is not there', reply({ message: 'not found' }, 404)],
  ])('has no address where the Service has %s', (_, answer) => {
    expectCode(() => parseClusterIp(answer, found), 'kubernetes_failed');
  });
});
