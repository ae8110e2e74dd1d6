// The webhook of the chart before a real API server: every workload is admitted, refused, warned of or given its digest.
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { openLedger } from '../../agent/audit/ledger.ts';
import { askAdmission, comparisonOf } from '../../agent/commands/run/admission.ts';
import { ownCertificate } from '../../agent/commands/webhook/own-certificate.ts';
import { SYSTEM_CLOCK } from '../../agent/audit/clock.ts';
import { type ApiClientOptions, sendPost } from '../../agent/node/kubernetes/api-client.ts';
import { createHostVerifier } from '../../agent/verifier/host-verifier.ts';
import { createPooledTransport } from '../../agent/verifier/registry/pooled-transport.ts';
import {
  certificateEntries,
  parseCertificateEntries,
} from '../../agent/webhook/certificate-entries.ts';
import { LIFETIME_MS, PUBLISHED_MS } from '../../agent/webhook/held-certificates.ts';
import { createServingCertificate, heldCertificate } from '../../agent/webhook/serving-key.ts';
import {
  type Json,
  POD,
  workload,
  WORKLOAD_KINDS,
  type WorkloadKind,
  workloadKind,
} from '../support/admission.ts';
import { createCa } from '../support/ca.ts';
import { type Manifest, renderChart } from '../support/rendered-manifests.ts';
import { podSpecOf } from '../support/rendered-pod.ts';
import { CLUSTER_TIMEOUT_MS, TestCluster, until } from '../support/test-cluster.ts';
import { documentOf, statement } from '../support/trust-policy.ts';
import { launchWebhook, type RunningWebhook, TrustedRegistry } from '../support/webhook.ts';

const NAMESPACE = 'nodeseal';
const NAME = 'nodeseal-webhook';
const AGENT = 'nodeseal';
const CONFIGURATION = 'nodeseal-nodeseal';
const HOST = `${NAME}.${NAMESPACE}.svc`;

const VALUES = {
  namespace: { create: true },
  existingTrustPolicy: { configMap: 'policy' },
  existingTrustStores: [{ store: 'ca/acme', configMap: 'acme', key: 'ca.crt' }],
  webhook: { enabled: true, mode: 'enforce', mutate: true, timeoutSeconds: 5 },
};

describe('the webhook on a cluster', () => {
  let cluster: TestCluster;
  let trusted: TrustedRegistry;
  let running: RunningWebhook;
  let manifests: readonly Manifest[];
  let start: () => Promise<RunningWebhook>;
  let images: Readonly<Record<'good' | 'bad' | 'logged' | 'silent', string>>;
  let digest: string;
  let access: ApiClientOptions;

  beforeAll(async () => {
    cluster = await TestCluster.start();
    const stack = new AsyncDisposableStack();
    stack.use(cluster);
    try {
      trusted = stack.use(await TrustedRegistry.start());
      manifests = renderChart(VALUES);
      await install();
      images = pushImages();
      const address = await serviceAddress();
      access = await cluster.access(NAMESPACE, NAME);
      const { server, serviceAccountDir } = access;
      start = () =>
        launchWebhook(
          {
            ...deploymentEnvironment(),
            ...trusted.settings,
            NODESEAL_WEBHOOK_LISTEN: `${address}:443`,
            KUBERNETES_SERVICE_HOST: server.host,
            KUBERNETES_SERVICE_PORT: String(server.port),
          },
          serviceAccountDir,
        );
      running = await start();
      stack.defer(async () => {
        await running.stop();
      });
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
    return () => stack.disposeAsync();
  }, CLUSTER_TIMEOUT_MS);

  /** All of the chart that is of the webhook. Nothing runs its pods here. */
  async function install(): Promise<void> {
    const namespaces = manifests.filter(({ kind }) => kind === 'Namespace');
    const own = manifests.filter(
      ({ kind, metadata: { name, labels } }) =>
        labels?.['app.kubernetes.io/component'] === 'webhook' ||
        // What the agents are known by.
        (kind === 'ServiceAccount' && name === AGENT),
    );
    for (const objects of [namespaces, own]) {
      const { code, stderr } = await cluster.apply(objects);
      if (code !== 0) throw new Error(stderr);
    }
  }

  function pushImages() {
    const { registry } = trusted;
    const good = trusted.push('good', trusted.ca);
    digest = registry.pushImage('app', 'good', 'good').digest;
    // The level records who signed, but wants a signature all the same.
    const logged = trusted.push('v1', createCa({ name: 'Other' }), 'logged');
    const audited = { name: 'logged', signatureVerification: { level: 'audit' } };
    trusted.writePolicy(
      {},
      statement({
        ...audited,
        registryScopes: [`${registry.host}/logged`],
        trustedIdentities: ['*'],
      }),
    );
    return { good, bad: trusted.push('bad'), logged, silent: trusted.push('silent', trusted.ca) };
  }

  /** Services have addresses of loopback here: whoever listens there is the Service. */
  async function serviceAddress(): Promise<string> {
    const service = (await cluster.get('service', NAME, '-n', NAMESPACE)) as {
      spec: { clusterIP: string };
    };
    return service.spec.clusterIP;
  }

  function deploymentEnvironment(): Readonly<Record<string, string>> {
    const deployment = manifests.find(({ kind }) => kind === 'Deployment');
    if (deployment === undefined) throw new Error('expected a Deployment');
    const [{ env }] = podSpecOf(deployment).containers;
    return Object.fromEntries(env.map(({ name, value = '' }) => [name, value]));
  }

  const apply = (object: Json, ...args: readonly string[]) => cluster.apply([object], ...args);

  async function imagesOf(kind: WorkloadKind, name: string): Promise<readonly string[]> {
    let spec = await cluster.get(kind.resource, name);
    for (const member of kind.at.slice(1).split('/')) spec = (spec as Json)[member];
    return (spec as { containers: readonly { image: string }[] }).containers.map(
      ({ image }) => image,
    );
  }

  describe.each(WORKLOAD_KINDS)('$kind', (kind) => {
    const name = (what: string) => `${what}-${kind.kind.toLowerCase()}`;

    it('is admitted with signed images, and runs what was verified', async () => {
      expect(await apply(workload(kind, name('good'), images.good))).toMatchObject({
        code: 0,
        stderr: '',
      });
      expect(await imagesOf(kind, name('good'))).toEqual([`${images.good}@${digest}`]);
    });

    it('is refused with an unsigned one, which kubectl shows', async () => {
      const { code, stderr } = await apply(workload(kind, name('bad'), images.good, images.bad));
      expect(code).toBe(1);
      expect(stderr).toContain('admission webhook "validate.nodeseal.io" denied the request:');
      expect(stderr).toContain(
        `nodeseal refuses 1 of 2 images:\n- container "app-1", image "${images.bad}", policy statement "acme": signature_missing:`,
      );
      const { code: there } = await cluster.run('kubectl', ['get', kind.resource, name('bad')]);
      expect(there).toBe(1);
    });

    it('is admitted with a warning where the policy only records', async () => {
      const { code, stderr } = await apply(workload(kind, name('logged'), images.logged));
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr).toMatch(/^Warning: nodeseal: container "app", .*failure_logged: /);
    });

    it('is judged in a server-side dry run, and nothing is kept of that', async () => {
      const dryRun = (image: string) =>
        apply(workload(kind, name('dry'), image), '--dry-run=server');
      expect(await dryRun(images.good)).toMatchObject({ code: 0 });
      expect((await dryRun(images.bad)).stderr).toContain('nodeseal refuses its image');
      const { code } = await cluster.run('kubectl', ['get', kind.resource, name('dry')]);
      expect(code).toBe(1);
    });
  });

  it('refuses a debugging container that is not signed', async () => {
    await apply(workload(POD, 'debugged', images.good));
    const debug = (image: string) =>
      cluster.run('kubectl', [
        ...['patch', 'pod', 'debugged', '--subresource=ephemeralcontainers', '--type=strategic'],
        '--patch',
        JSON.stringify({ spec: { ephemeralContainers: [{ name: 'debug', image }] } }),
      ]);
    expect((await debug(images.bad)).stderr).toContain('ephemeral container "debug"');
    expect(await debug(images.good)).toMatchObject({ code: 0 });
  });

  it('lets what is there already be scaled, labelled and deleted, but not given a bad image', async () => {
    const deployment = workloadKind('Deployment');
    const excluded = { ...workload(deployment, 'before', images.bad) };
    // Before the webhook was there.
    await cluster.kubectl('delete', 'validatingwebhookconfiguration', CONFIGURATION);
    await apply(excluded);
    const finalized = workload(POD, 'finalized', images.bad);
    const metadata = { ...(finalized['metadata'] as Json), finalizers: ['example.io/wait'] };
    await apply({ ...finalized, metadata });
    await install();
    // The API server learns whom to trust from whoever looks next.
    await replica().look(new AbortController().signal);
    await until('the webhook to be asked again', async () => {
      const { code } = await apply(workload(POD, 'again', images.bad), '--dry-run=server');
      return code === 1 ? true : undefined;
    });
    for (const args of [
      ['scale', 'deployment', 'before', '--replicas=3'],
      ['label', 'deployment', 'before', 'team=a'],
      ['label', 'pod', 'finalized', 'team=a'],
      ['delete', 'pod', 'finalized', '--wait=false'],
      ['patch', 'pod', 'finalized', '--type=merge', '--patch', '{"metadata":{"finalizers":null}}'],
    ]) {
      expect(await cluster.run('kubectl', args)).toMatchObject({ code: 0 });
    }
    const set = (image: string) =>
      cluster.run('kubectl', ['set', 'image', 'deployment/before', `app=${image}`]);
    expect((await set(`${images.bad}-other`)).stderr).toContain('denied the request');
    expect(await set(images.good)).toMatchObject({ code: 0 });
  });

  it.each([NAMESPACE, 'kube-system'])('is not asked in the namespace %s', async (namespace) => {
    const object = workload(POD, 'unsigned', images.bad);
    const metadata = { ...(object['metadata'] as Json), namespace };
    expect(await apply({ ...object, metadata })).toMatchObject({ code: 0 });
  });

  it('answers before the API server gives up, however slow the registry is', async () => {
    trusted.registry.intercept = ({ path }) => path.includes('silent');
    try {
      const { code, stderr } = await apply(workload(POD, 'silent', images.silent));
      expect(code).toBe(1);
      expect(stderr).toMatch(/denied the request:[^]*deadline_exceeded|registry_timeout/);
      expect(stderr).not.toContain('failed calling webhook');
    } finally {
      trusted.registry.intercept = undefined;
    }
  });

  /** What another replica would do about the certificate. */
  function replica(log: (line: object) => void = () => undefined) {
    return ownCertificate({
      api: access,
      secret: { namespace: NAMESPACE, name: NAME },
      configurations: (
        ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'] as const
      ).map((kind) => ({ kind, name: CONFIGURATION })),
      names: [HOST],
      log: { info: log },
      now: () => SYSTEM_CLOCK.now(),
    });
  }

  it('shares its certificate among its replicas, which is made once', async () => {
    const { signal } = new AbortController();
    const steps: object[] = [];
    const looks = Array.from({ length: 5 }, () => replica((line) => steps.push(line)).look(signal));
    const found = new Set((await Promise.all(looks)).map(({ certificate }) => certificate));
    expect(found.size).toBe(1);
    expect(steps).toEqual([]);
    // Five that start at once, with nothing there.
    await cluster.kubectl(
      'patch',
      'secret',
      NAME,
      '-n',
      NAMESPACE,
      '--type=merge',
      '--patch',
      '{"data":null}',
    );
    const fresh = await Promise.all(
      Array.from({ length: 5 }, () => replica((line) => steps.push(line)).look(signal)),
    );
    expect(new Set(fresh.map(({ certificate }) => certificate)).size).toBe(1);
    expect(steps.filter((line) => 'step' in line)).toHaveLength(1);
    await running.stop();
    running = await start();
  });

  it('changes its certificate while it is asked, and nobody notices', async () => {
    const { signal } = new AbortController();
    const before = await replica().look(signal);
    // As if the next one had been trusted for a while.
    const since = new Date(Date.now() - 2 * PUBLISHED_MS);
    const next = heldCertificate(createServingCertificate([HOST], since, LIFETIME_MS));
    const { data } = (await cluster.get('secret', NAME, '-n', NAMESPACE)) as {
      data: Readonly<Record<string, string>>;
    };
    const texts = Object.entries(data).map(
      ([key, value]) => [key, Buffer.from(value, 'base64').toString()] as const,
    );
    const held = { ...parseCertificateEntries(new Map(texts)), next };
    const stringData = JSON.stringify({ stringData: certificateEntries(held) });
    await cluster.kubectl(
      'patch',
      'secret',
      NAME,
      '-n',
      NAMESPACE,
      '--type=merge',
      '--patch',
      stringData,
    );

    const end = new AbortController();
    const statuses = new Map<number, number>();
    const load = async (): Promise<void> => {
      const admin = await cluster.access('kube-system', 'namespace-controller');
      for (let n = 0; !end.signal.aborted; n += 1) {
        const path = '/api/v1/namespaces/default/pods?dryRun=All';
        const value = workload(POD, `load-${n}`, images.good);
        const { status } = await sendPost(admin, { path, value }, signal);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        await delay(20);
      }
    };
    await cluster.kubectl(
      ...['create', 'clusterrolebinding', 'load', '--clusterrole=cluster-admin'],
      '--serviceaccount=kube-system:namespace-controller',
    );
    const loads = [load(), load()];
    expect((await replica().look(signal)).certificate).toBe(next.certificate);
    expect(next.certificate).not.toBe(before.certificate);
    await running.log.until('another certificate is served');
    await delay(1000);
    end.abort();
    await Promise.all(loads);
    expect([...statuses.keys()]).toEqual([201]);
    expect(statuses.get(201)).toBeGreaterThan(50);
  });

  /** A node with this policy, which pulls an image, and is told what the webhook thinks of it. */
  async function compared(policyFile: string, image: string): Promise<readonly unknown[]> {
    const { truststoreDir } = trusted;
    await using host = new AsyncDisposableStack();
    const registry = { createTransport: createPooledTransport, plainHttp: [] };
    const options = { policyFile, truststoreDir, registry, pluginDir: '/nonexistent' };
    const verifier = host.adopt(createHostVerifier(options), (one) => one.close());
    const { signal } = new AbortController();
    const verdict = await verifier.verify({ name: image }, signal);
    const ledger = host.adopt(openLedger(':memory:'), (one) => {
      one.close();
    });
    const told: unknown[] = [];
    const ended = new AbortController();
    const configuration = { admissionConfiguration: CONFIGURATION };
    const ask = askAdmission(await cluster.access(NAMESPACE, AGENT), configuration);
    const comparison = comparisonOf(ask, {
      ...{ history: ledger.history, clock: SYSTEM_CLOCK },
      log: { info: () => undefined, warn: (about: object) => told.push(about) } as never,
      metrics: {
        countError: (code) => told.push(code),
        countAdmissionDisagreement: (found) => told.push(found),
        countComparison: (result) => {
          told.push(result);
          // The rest of it is told before anything else happens.
          setImmediate(() => {
            ended.abort();
          });
        },
      },
    });
    ledger.history.add({
      ...{ ...verdict, name: image, kind: 'pull', mode: 'enforce', via: 'agent', before: null },
    });
    await comparison?.run(ended.signal);
    return [verdict.decision, ...told];
  }

  it('tells nodes what it would decide, by which they see where they differ', async () => {
    const { policyFile } = trusted;
    expect(await compared(policyFile, images.good)).toEqual(['allow', 'agreed']);
    expect(await compared(policyFile, images.bad)).toEqual(['deny', 'agreed']);
    const other = cluster.file('other-policy.json');
    const named = { trustedIdentities: ['x509.subject: CN=another'] };
    const scopes = { registryScopes: [trusted.repository] };
    writeFileSync(other, documentOf([statement({ ...scopes, ...named })]));
    const found = { kind: 'would_admit', cause: 'policy' };
    expect(await compared(other, images.good)).toEqual([
      ...['deny', 'disagreed', found],
      expect.objectContaining({
        ...{ ...found, digest, decision: 'deny', reason: 'identity_untrusted' },
        admission: expect.objectContaining({ decision: 'allow', reason: 'verified' }) as unknown,
      }),
    ]);
  });

  it('lets agents see nothing else by that', async () => {
    const may = async (verb: string, resource: string) => {
      const as = `--as=system:serviceaccount:${NAMESPACE}:${AGENT}`;
      const asked = ['auth', 'can-i', verb, resource, '-n', NAMESPACE, as];
      return (await cluster.run('kubectl', asked)).stdout.trim();
    };
    expect(await may('get', `services/${NAME}`)).toBe('yes');
    for (const [verb, resource] of [
      ['get', 'services/other'],
      ['list', 'services'],
      ['patch', `validatingwebhookconfigurations/${CONFIGURATION}`],
      ['get', `secrets/${NAME}`],
    ] as const) {
      expect(await may(verb, resource), `${verb} ${resource}`).toBe('no');
    }
  });

  it('keeps out what nobody can judge, while no replica answers', async () => {
    await running.stop();
    const { code, stderr } = await apply(workload(POD, 'nobody', images.good));
    expect(code).toBe(1);
    expect(stderr).toContain('failed calling webhook "mutate.nodeseal.io"');
    // What brings in no image is not asked about, so that nodes, and people, can go on.
    expect(await cluster.run('kubectl', ['label', 'pod', 'debugged', 'team=b'])).toMatchObject({
      code: 0,
    });
    const system = workload(POD, 'system', images.bad);
    const metadata = { ...(system['metadata'] as Json), namespace: 'kube-system' };
    expect(await apply({ ...system, metadata })).toMatchObject({ code: 0 });
  });
});
