// The admission webhook in the chart: off by default, with no more rights than it uses, and never in its own way.
import { expect, it } from 'vitest';
import { parseConfig } from '../../agent/config.ts';
import { describeWithTools } from '../support/kubernetes-tools.ts';
import {
  type ChartValues,
  findManifest,
  helmTemplate,
  HOST_TRUST,
  type Manifest,
  renderChart,
} from '../support/rendered-manifests.ts';
import { WORKLOAD_KINDS } from '../support/admission.ts';
import { agentPodSpec, podSpecOf } from '../support/rendered-pod.ts';

const NAME = 'nodeseal-webhook';
const TRUST: ChartValues = {
  existingTrustPolicy: { configMap: 'policy' },
  existingTrustStores: [{ store: 'ca/acme', configMap: 'acme', key: 'ca.crt' }],
};
const TLS = { source: 'secret', secret: 'tls', caBundle: '-----BEGIN CERTIFICATE-----\n' };

function render(webhook: ChartValues = {}, values: ChartValues = {}): readonly Manifest[] {
  return renderChart({ ...TRUST, ...values, webhook: { enabled: true, ...webhook } });
}

interface Webhook {
  readonly name: string;
  readonly failurePolicy: string;
  readonly timeoutSeconds: number;
  readonly clientConfig: {
    readonly caBundle?: string;
    readonly service: { readonly path: string };
  };
  readonly namespaceSelector: {
    readonly matchExpressions: readonly [{ readonly values: readonly string[] }];
  };
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly operations: readonly string[];
  }[];
  readonly matchConditions: readonly { readonly name: string }[];
}

function webhookOf(
  manifests: readonly Manifest[],
  kind = 'ValidatingWebhookConfiguration',
): Webhook {
  const { webhooks } = findManifest(manifests, kind) as unknown as { webhooks: readonly [Webhook] };
  return webhooks[0];
}

describeWithTools('the webhook in the chart', () => {
  it('is not there unless it is asked for', () => {
    expect(JSON.stringify(renderChart(TRUST))).not.toContain('webhook');
    // And changes nothing of the rest where it is.
    const both = render({ compare: false });
    for (const manifest of renderChart(TRUST)) expect(both).toContainEqual(manifest);
  });

  it('refuses nothing, nor stands in the way, until it is told to enforce', () => {
    const audit = render();
    expect(webhookOf(audit).failurePolicy).toBe('Ignore');
    expect(environmentOf(audit)['NODESEAL_MODE']).toBe('audit');
    const enforce = render({ mode: 'enforce' });
    expect(webhookOf(enforce).failurePolicy).toBe('Fail');
    expect(environmentOf(enforce)['NODESEAL_MODE']).toBe('enforce');
    expect(webhookOf(render({ failurePolicy: 'Fail' })).failurePolicy).toBe('Fail');
  });

  it('is asked about every kind of workload, and only where it is not needed to be reached', () => {
    const { rules, namespaceSelector, matchConditions, timeoutSeconds } = webhookOf(render());
    const asked = rules.flatMap(({ apiGroups: [group], resources }) =>
      resources.map((resource) => `${group ?? ''}/${resource}`),
    );
    const kinds = WORKLOAD_KINDS.map(({ group, resource }) => `${group}/${resource}`);
    expect(asked.sort()).toEqual([...kinds, '/pods/ephemeralcontainers'].sort());
    expect(rules.every(({ operations }) => operations.join() === 'CREATE,UPDATE')).toBe(true);
    expect(namespaceSelector.matchExpressions[0].values).toEqual(['nodeseal', 'kube-system']);
    expect(matchConditions.map(({ name }) => name)).toEqual([
      ...['not-by-kubelet', 'not-being-deleted', 'may-bring-in-images'],
    ]);
    expect(timeoutSeconds).toBe(10);
    const more = render({ excludedNamespaces: ['a', 'nodeseal'] });
    // Its own is always among them.
    expect(webhookOf(more).namespaceSelector.matchExpressions[0].values).toEqual(['nodeseal', 'a']);
  });

  it('changes objects only where that is asked for', () => {
    const kinds = (manifests: readonly Manifest[]) => manifests.map(({ kind }) => kind);
    expect(kinds(render())).not.toContain('MutatingWebhookConfiguration');
    const mutating = render({ mutate: true });
    expect(environmentOf(mutating)['NODESEAL_WEBHOOK_MUTATE']).toBe('on');
    const webhook = webhookOf(mutating, 'MutatingWebhookConfiguration');
    expect(webhook).toMatchObject({
      clientConfig: { service: { path: '/mutate' } },
      reinvocationPolicy: 'IfNeeded',
      sideEffects: 'None',
    });
    expect(webhook.rules).toEqual(webhookOf(mutating).rules);
  });

  it('runs three times, apart, without rights on its host', () => {
    const manifests = render();
    expect(findManifest(manifests, 'Deployment', NAME)).toMatchObject({ spec: { replicas: 3 } });
    const spec = podSpecOf(findManifest(manifests, 'Deployment', NAME));
    expect(spec).toMatchObject({
      priorityClassName: 'system-cluster-critical',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      topologySpreadConstraints: [
        { topologyKey: 'kubernetes.io/hostname' },
        { topologyKey: 'topology.kubernetes.io/zone' },
      ],
      containers: [
        {
          args: ['webhook'],
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    });
    expect(spec.hostNetwork).toBeUndefined();
    expect(spec.volumes.filter((volume) => volume.hostPath !== undefined)).toEqual([]);
    const selected = { matchLabels: labelsOf(manifests) };
    expect(findManifest(manifests, 'PodDisruptionBudget')).toMatchObject({
      spec: { maxUnavailable: 1, selector: selected },
    });
    expect(findManifest(manifests, 'Service')).toMatchObject({
      metadata: { name: NAME },
      spec: { selector: selected.matchLabels, ports: [{ port: 443, targetPort: 'webhook' }] },
    });
    // The agents are not taken for it, nor it for them.
    const agents = findManifest(manifests, 'DaemonSet') as unknown as {
      spec: { selector: { matchLabels: object } };
    };
    expect(agents.spec.selector.matchLabels).not.toMatchObject(selected.matchLabels);
  });

  it('may keep its certificate, and have it trusted, and nothing else', () => {
    const manifests = render();
    expect(findManifest(manifests, 'Role', NAME)).toMatchObject({
      rules: [{ resources: ['secrets'], resourceNames: [NAME], verbs: ['get', 'patch'] }],
    });
    expect(findManifest(manifests, 'ClusterRole', `nodeseal-${NAME}`)).toMatchObject({
      rules: [{ resourceNames: ['nodeseal-nodeseal'], verbs: ['get', 'patch'] }],
    });
    expect(findManifest(manifests, 'Secret', NAME)).not.toHaveProperty('data');
    expect(environmentOf(manifests)).toMatchObject({
      NODESEAL_WEBHOOK_SECRET: `nodeseal/${NAME}`,
      NODESEAL_WEBHOOK_HOSTS: `${NAME}.nodeseal.svc`,
      NODESEAL_WEBHOOK_CONFIGURATION: 'nodeseal-nodeseal',
    });
    expect(webhookOf(manifests).clientConfig).not.toHaveProperty('caBundle');
  });

  it.each(['certManager', 'secret'])('needs no right at all with a certificate of %s', (source) => {
    const manifests = render({ certificate: { ...TLS, source } });
    const own = manifests.filter(({ metadata }) => metadata.name.endsWith(NAME));
    expect(own.map(({ kind }) => kind)).not.toContain('Role');
    expect(own.map(({ kind }) => kind)).not.toContain('ClusterRole');
    const spec = podSpecOf(findManifest(manifests, 'Deployment', NAME));
    expect(spec).toMatchObject({ automountServiceAccountToken: false });
    expect(environmentOf(manifests)).toMatchObject({
      NODESEAL_WEBHOOK_CERTIFICATE: '/etc/nodeseal/webhook-tls/tls.crt',
      NODESEAL_WEBHOOK_KEY: '/etc/nodeseal/webhook-tls/tls.key',
    });
  });

  it('reads the pull secrets of the namespaces whose secrets the agents may read', () => {
    const values = { registryCredentials: { pullSecretNamespaces: ['team'] } };
    const certificate = { ...TLS };
    const manifests = render({ certificate }, values);
    expect(environmentOf(manifests)['NODESEAL_PULL_SECRETS']).toBe('on');
    const spec = podSpecOf(findManifest(manifests, 'Deployment', NAME));
    expect(spec).toMatchObject({ automountServiceAccountToken: true });
    const binding = findManifest(manifests, 'RoleBinding', 'nodeseal-nodeseal-pull-secrets');
    expect(binding).toMatchObject({ metadata: { namespace: 'team' } });
    expect(binding['subjects']).toContainEqual(expect.objectContaining({ name: NAME }));
    expect(environmentOf(render())).not.toHaveProperty('NODESEAL_PULL_SECRETS');
    expect(JSON.stringify(renderChart({ ...TRUST, ...values }))).not.toContain(NAME);
  });

  it('is given hosts.toml files where settings say that there are some', () => {
    const registryHosts = [
      { host: 'registry.example:5000', secret: 'corp-registry' },
      { host: '_default', configMap: 'mirrors' },
    ];
    const manifests = render({ registryHosts });
    expect(environmentOf(manifests)).toMatchObject({
      NODESEAL_REGISTRY_HOSTS: '/etc/nodeseal/certs.d',
    });
    const spec = podSpecOf(findManifest(manifests, 'Deployment', NAME));
    const mounts = spec.containers[0].volumeMounts;
    const folders = mounts
      .filter(({ mountPath }) => mountPath.startsWith('/etc/nodeseal/certs.d/'))
      .map(({ name, mountPath }) => [mountPath.split('/').at(-1), name]);
    expect(folders).toEqual([
      ['registry.example_5000_', 'registry-hosts-0'],
      ['_default', 'registry-hosts-1'],
    ]);
    const volumes = new Map(spec.volumes.map((volume) => [volume.name, volume]));
    expect(volumes.get('registry-hosts-0')).toMatchObject({
      secret: { secretName: 'corp-registry' },
    });
    expect(volumes.get('registry-hosts-1')).toMatchObject({ configMap: { name: 'mirrors' } });
    expect(environmentOf(render())).not.toHaveProperty('NODESEAL_REGISTRY_HOSTS');
  });

  it.each([
    ['', { persistentVolumeClaim: { claimName: 'bundle' } }, '/etc/nodeseal/bundle'],
    ['a/b', { image: { reference: 'registry.example/bundle:1' } }, '/etc/nodeseal/bundle/a/b'],
  ])('is given a bundle from a volume, at %j in it', (path, volume, found) => {
    const manifests = render({ bundle: { volume, path } });
    expect(environmentOf(manifests)).toMatchObject({ NODESEAL_BUNDLE_DIR: found });
    const spec = podSpecOf(findManifest(manifests, 'Deployment', NAME));
    expect(spec.volumes).toContainEqual({ name: 'bundle', ...volume });
    const mount = { name: 'bundle', mountPath: '/etc/nodeseal/bundle', readOnly: true };
    expect(spec.containers[0].volumeMounts).toContainEqual(mount);
    expect(environmentOf(render())).not.toHaveProperty('NODESEAL_BUNDLE_DIR');
  });

  it.each([
    { volume: { configMap: { name: 'bundle' } } },
    { volume: { emptyDir: {}, hostPath: { path: '/srv' } } },
    { volume: { emptyDir: {} }, path: '../trust-policy' },
  ])('is given none by %j', (bundle) => {
    expect(() => render({ bundle })).toThrow();
  });

  it('has cert-manager make a certificate of its name, and have it trusted', () => {
    const manifests = render({ certificate: { source: 'certManager' }, mutate: true });
    const certificate = findManifest(manifests, 'Certificate', NAME);
    expect(certificate).toMatchObject({
      spec: { secretName: `${NAME}-tls`, dnsNames: [`${NAME}.nodeseal.svc`] },
    });
    for (const kind of ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration']) {
      expect(findManifest(manifests, kind).metadata.annotations).toEqual({
        'cert-manager.io/inject-ca-from': `nodeseal/${NAME}`,
      });
    }
    const issuerRef = { kind: 'ClusterIssuer', name: 'company' };
    const own = render({ certificate: { source: 'certManager', issuerRef } });
    expect(findManifest(own, 'Certificate')).toMatchObject({ spec: { issuerRef } });
    expect(own.map(({ kind }) => kind)).not.toContain('Issuer');
  });

  it('has the API server trust who vouches for a certificate of yours', () => {
    const { caBundle = '' } = webhookOf(render({ certificate: TLS })).clientConfig;
    expect(Buffer.from(caBundle, 'base64').toString()).toBe(TLS.caBundle);
  });

  it('is asked by agents that may see where it is, and whom to trust for it, and no more', () => {
    const name = `${NAME}-comparison`;
    const manifests = render();
    expect(agentPodSpec(manifests).containers[0].env).toContainEqual({
      ...{ name: 'NODESEAL_ADMISSION_CONFIGURATION', value: 'nodeseal-nodeseal' },
    });
    expect(findManifest(manifests, 'ClusterRole', `nodeseal-${name}`)).toMatchObject({
      rules: [{ resourceNames: ['nodeseal-nodeseal'], verbs: ['get'] }],
    });
    expect(findManifest(manifests, 'Role', name)).toMatchObject({
      rules: [{ resources: ['services'], resourceNames: [NAME], verbs: ['get'] }],
    });
    const agents = [{ kind: 'ServiceAccount', name: 'nodeseal', namespace: 'nodeseal' }];
    for (const [kind, bound] of [
      ['RoleBinding', name],
      ['ClusterRoleBinding', `nodeseal-${name}`],
    ] as const) {
      expect(findManifest(manifests, kind, bound)).toMatchObject({ subjects: agents });
    }
  });

  it.each([
    ['the values do not want it', { compare: false }, {}],
    ['agents ask Kubernetes nothing', {}, { kubernetes: { report: false } }],
  ] as const)('is not asked by agents where %s', (_, webhook, values) => {
    const text = JSON.stringify(render(webhook, values));
    expect(text).not.toMatch(/NODESEAL_ADMISSION_CONFIGURATION|comparison/);
  });

  it('takes the plugins of a volume, and whatever else a pod may need', () => {
    const initContainers = [{ name: 'plugins', image: 'registry.example/plugins' }];
    const spec = podSpecOf(
      findManifest(
        render({
          ...{ initContainers, pluginVolume: { emptyDir: {} } },
          extraVolumes: [{ name: 'own', configMap: { name: 'own' } }],
          extraVolumeMounts: [{ name: 'own', mountPath: '/etc/own' }],
          extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example:3128' }],
        }),
        'Deployment',
        NAME,
      ),
    );
    const { pluginDir } = parseConfig({});
    expect(spec).toMatchObject({ initContainers });
    expect(spec.volumes).toEqual(
      expect.arrayContaining([
        { name: 'plugins', emptyDir: {} },
        { name: 'own', configMap: { name: 'own' } },
      ]),
    );
    const [{ volumeMounts, env }] = spec.containers;
    expect(volumeMounts).toContainEqual({ name: 'plugins', mountPath: pluginDir, readOnly: true });
    expect(volumeMounts).toContainEqual({ name: 'own', mountPath: '/etc/own' });
    expect(env).toContainEqual({ name: 'HTTPS_PROXY', value: 'http://proxy.example:3128' });
  });

  it('lets in API servers, and shows its metrics to who may see them', () => {
    const manifests = render(
      {},
      {
        networkPolicy: { create: true, from: [{ podSelector: {} }] },
        podMonitor: { create: true },
      },
    );
    const policy = findManifest(manifests, 'NetworkPolicy', NAME) as unknown as {
      spec: { ingress: readonly object[] };
    };
    expect(policy.spec.ingress).toEqual([
      { ports: [{ protocol: 'TCP', port: 8443 }] },
      { ports: [{ protocol: 'TCP', port: 9464 }], from: [{ podSelector: {} }] },
    ]);
    expect(findManifest(manifests, 'PodMonitor', NAME)).toMatchObject({
      spec: { selector: { matchLabels: labelsOf(manifests) } },
    });
  });
});

describeWithTools('what cannot work', () => {
  it.each<[string, ChartValues, string]>([
    ['the hosts’ trust', HOST_TRUST, 'the webhook is on no host'],
    [
      'a Secret that is not named',
      { ...TRUST, webhook: { certificate: { source: 'secret' } } },
      'expected webhook.certificate.secret',
    ],
    [
      'a certificate that nobody vouches for',
      { ...TRUST, webhook: { certificate: { source: 'secret', secret: 'tls' } } },
      'expected webhook.certificate.caBundle',
    ],
    [
      'more time than there is',
      { ...TRUST, webhook: { timeoutSeconds: 31 } },
      'specifications of the schema',
    ],
  ])('is refused: %s', (_, values, message) => {
    const webhook = { ...(values['webhook'] as object | undefined), enabled: true };
    const { code, stderr } = helmTemplate({ ...values, webhook });
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
  });
});

function labelsOf(manifests: readonly Manifest[]): Readonly<Record<string, string>> {
  const { spec } = findManifest(manifests, 'Deployment', NAME) as unknown as {
    spec: { selector: { matchLabels: Readonly<Record<string, string>> } };
  };
  return spec.selector.matchLabels;
}

function environmentOf(manifests: readonly Manifest[]): Readonly<Record<string, string>> {
  const [{ env }] = podSpecOf(findManifest(manifests, 'Deployment', NAME)).containers;
  return Object.fromEntries(env.map(({ name, value = '' }) => [name, value]));
}
