// Policy and trust stores of the chart's values, as the agent finds them in its pod.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { policyCheck } from '../../agent/commands/policy-check.ts';
import { installRequest, hostOf } from '../../agent/commands/host-install.ts';
import { parseConfig } from '../../agent/config.ts';
import { createCa } from '../support/ca.ts';
import { AgentHost } from '../support/agent-host.ts';
import { ConfigMapVolume } from '../support/config-map.ts';
import { runCommand } from '../support/front-door.ts';
import { describeWithTools } from '../support/kubernetes-tools.ts';
import { type ChartValues, renderChart } from '../support/rendered-manifests.ts';
import { agentPodSpec, renderedPod } from '../support/rendered-pod.ts';
import { statement } from '../support/trust-policy.ts';

const ca = createCa();
const POLICY = {
  version: '1.0',
  trustPolicies: [statement({ trustStores: ['ca:acme', 'ca:other.io', 'tsa:time'] })],
};
const VALUES: ChartValues = {
  trustPolicy: POLICY,
  trustStores: {
    ca: { acme: ca.root.pem, 'other.io': `${ca.root.pem}\n` },
    tsa: { time: ca.root.pem },
  },
};

/** The pod's files as kubelet puts them there, by the path that they are mounted at. */
function volumesOf(values: ChartValues): ReadonlyMap<string, string> {
  const mounts = renderedPod(renderChart(values)).mounts;
  return new Map(
    mounts.flatMap(({ path, source }) =>
      source.kind === 'files' ? [[path, new ConfigMapVolume(source.files).path] as const] : [],
    ),
  );
}

/** The setting's path, in the volume that stands for the mount. */
function here(volumes: ReadonlyMap<string, string>, path = ''): string {
  for (const [mount, volume] of volumes) {
    if (path === mount || path.startsWith(`${mount}/`))
      return join(volume, path.slice(mount.length));
  }
  throw new Error(`expected a mount that holds ${path}`);
}

describeWithTools('policy and trust of the chart', () => {
  it('are good for the agent, and hold what the values say', async () => {
    const volumes = volumesOf(VALUES);
    const { env } = renderedPod(renderChart(VALUES));
    const policy = here(volumes, env['NODESEAL_POLICY_SOURCE']);
    const truststore = here(volumes, env['NODESEAL_TRUSTSTORE_SOURCE']);
    const { code } = await runCommand(policyCheck, [policy, '--truststore', truststore]);
    expect(code).toBe(0);
    const host = new AgentHost();
    const config = parseConfig({
      ...host.settings(),
      NODESEAL_POLICY_SOURCE: policy,
      NODESEAL_TRUSTSTORE_SOURCE: truststore,
    });
    const request = await installRequest(config, hostOf(config));
    expect(JSON.parse(Buffer.from(request.policyBytes ?? []).toString())).toEqual(POLICY);
    expect(request.trustFiles?.map(({ path }) => path).sort()).toEqual([
      'x509/ca/acme/acme.pem',
      'x509/ca/other.io/other.io.pem',
      'x509/tsa/time/time.pem',
    ]);
    for (const { bytes } of request.trustFiles ?? []) {
      expect(Buffer.from(bytes).toString().trim()).toBe(ca.root.pem.trim());
    }
  });

  it('can be in ConfigMaps and Secrets of others', () => {
    const spec = agentPodSpec(
      renderChart({
        existingTrustPolicy: { configMap: 'policy', key: 'trust.json' },
        trustStores: { ca: { own: ca.root.pem } },
        existingTrustStores: [
          { store: 'ca/acme', secret: 'acme-ca', key: 'ca.crt' },
          { store: 'tsa/time', configMap: 'time', key: 'root.pem' },
        ],
      }),
    );
    const volume = (name: string) => spec.volumes.find((one) => one.name === name);
    expect(volume('trust-policy')?.configMap).toEqual({
      name: 'policy',
      items: [{ key: 'trust.json', path: 'policy.json' }],
    });
    const item = (key: string, path: string) => [{ key, path }];
    expect(volume('truststore')?.projected?.sources).toEqual([
      {
        configMap: {
          name: 'nodeseal-trust-stores',
          items: item('ca.own.pem', 'x509/ca/own/own.pem'),
        },
      },
      { secret: { name: 'acme-ca', items: item('ca.crt', 'x509/ca/acme/ca.crt') } },
      { configMap: { name: 'time', items: item('root.pem', 'x509/tsa/time/root.pem') } },
    ]);
  });

  it('follow changes without a restart: nothing of the pod depends on what they hold', () => {
    const other = {
      ...POLICY,
      trustPolicies: [statement({ name: 'other', trustStores: ['ca:acme'] })],
    };
    const before = agentPodSpec(renderChart(VALUES));
    expect(agentPodSpec(renderChart({ ...VALUES, trustPolicy: other }))).toEqual(before);
    const [{ volumeMounts }] = before.containers;
    // What is mounted by a path within a volume stays as it was when the pod began.
    expect(volumeMounts.filter((mount) => 'subPath' in mount)).toEqual([]);
  });

  it('are left to the hosts where they are to be', () => {
    const values = { useHostTrustPolicy: true, useHostTrustStores: true };
    const manifests = renderChart(values);
    const { env, mounts } = renderedPod(manifests);
    expect(env).not.toHaveProperty('NODESEAL_POLICY_SOURCE');
    expect(env).not.toHaveProperty('NODESEAL_TRUSTSTORE_SOURCE');
    expect(mounts.filter(({ source }) => source.kind === 'files')).toEqual([]);
    expect(manifests.filter(({ kind }) => kind === 'ConfigMap')).toEqual([]);
  });

  it('have the registries’ authorities beside them', () => {
    const values = { ...VALUES, registryCa: { pem: ca.root.pem } };
    const volumes = volumesOf(values);
    const { env } = renderedPod(renderChart(values));
    expect(here(volumes, env['NODESEAL_REGISTRY_CA'])).toMatch(/\/ca\.pem$/);
  });
});
