// What service accounts of the chart may do, and that nothing may change the DaemonSet before it is to be uninstalled.
import { expect, it } from 'vitest';
import { DAEMON_SET_WAIT_MS, daemonSetNamed } from '../../agent/commands/uninstall-daemon-set.ts';
import { duration } from '../../agent/commands/arguments.ts';
import {
  ENFORCEMENT_CONDITION,
  ENFORCEMENT_LABEL,
} from '../../agent/node/kubernetes/enforcement-report.ts';
import { describeWithTools } from '../support/kubernetes-tools.ts';
import {
  findManifest,
  HOST_TRUST,
  type Manifest,
  renderChart,
} from '../support/rendered-manifests.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

function rightsOf(role: Manifest): readonly string[] {
  return (role['rules'] as readonly Rule[]).flatMap(
    ({ apiGroups, resources, verbs, resourceNames }) =>
      verbs.flatMap((verb) =>
        resources.map((resource) => {
          const names = resourceNames === undefined ? '' : ` ${resourceNames.join()}`;
          return `${verb} ${apiGroups.join()}/${resource}${names}`;
        }),
      ),
  );
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
const isHook = ({ metadata }: Manifest) => metadata.annotations?.['helm.sh/hook'] !== undefined;

describeWithTools('the rights of the agent', () => {
  it('are those that it uses, and nobody has more', () => {
    const manifests = renderChart();
    const roles = manifests.filter((one) => one.kind.endsWith('Role') && !isHook(one));
    expect(roles.map(({ kind }) => kind)).toEqual(['ClusterRole']);
    const rights = roles.flatMap(rightsOf);
    expect(rights).toEqual(
      expect.arrayContaining(['patch /nodes', 'patch /nodes/status', 'list /pods']),
    );
    for (const right of rights) {
      expect(right).not.toMatch(/\*|secrets|escalate|bind|impersonate|delete|exec|token/);
    }
  });

  it('are none where nothing is reported', () => {
    const manifests = renderChart({ ...HOST_TRUST, kubernetes: { report: false } });
    const own = manifests.filter((one) => !isHook(one));
    expect(own.map(({ kind }) => kind).sort()).toEqual(['DaemonSet', 'ServiceAccount']);
    expect(findManifest(own, 'DaemonSet')).toMatchObject({
      spec: { template: { spec: { automountServiceAccountToken: false } } },
    });
  });

  it('are to make tokens of service accounts where the values name namespaces, and there alone', () => {
    const render = (tokenNamespaces: readonly string[]) =>
      renderChart({ ...HOST_TRUST, registryCredentials: { tokenNamespaces } });
    const name = 'nodeseal-nodeseal-account-tokens';
    const bindingsOf = (manifests: readonly Manifest[]) =>
      manifests
        .filter(({ roleRef }) => isRecord(roleRef) && roleRef['name'] === name)
        .map(({ kind, metadata }) => [kind, metadata.namespace]);
    const manifests = render(['team', 'other']);
    const role = findManifest(manifests, 'ClusterRole', name);
    expect(rightsOf(role)).toEqual(['get /serviceaccounts', 'create /serviceaccounts/token']);
    expect(bindingsOf(manifests)).toEqual([
      ['RoleBinding', 'team'],
      ['RoleBinding', 'other'],
    ]);
    expect(bindingsOf(render(['team', '*']))).toEqual([['ClusterRoleBinding', undefined]]);
    expect(bindingsOf(render([]))).toEqual([]);
  });

  it('are to get pull secrets where the values name namespaces, and there alone', () => {
    const manifests = renderChart({
      ...HOST_TRUST,
      registryCredentials: { pullSecretNamespaces: ['team', 'other'] },
    });
    const name = 'nodeseal-nodeseal-pull-secrets';
    const role = findManifest(manifests, 'ClusterRole', name);
    expect(rightsOf(role)).toEqual(['get /secrets', 'get /serviceaccounts']);
    const bindings = manifests.filter(
      ({ roleRef }) => isRecord(roleRef) && roleRef['name'] === name,
    );
    expect(bindings.map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([
      ['RoleBinding', 'team'],
      ['RoleBinding', 'other'],
    ]);
    const all = renderChart({
      ...HOST_TRUST,
      registryCredentials: { pullSecretNamespaces: ['team', '*'] },
    });
    expect(findManifest(all, 'ClusterRoleBinding', name).metadata.namespace).toBeUndefined();
    expect(all.filter(({ kind }) => kind === 'RoleBinding').filter((one) => !isHook(one))).toEqual(
      [],
    );
  });

  it('end at its own Node, its label and its condition, and at Events in its own name', () => {
    const policyOf = (name: string) =>
      JSON.stringify(
        findManifest(renderChart(), 'ValidatingAdmissionPolicy', `nodeseal-nodeseal-${name}`),
      );
    const [node, events] = [policyOf('own-node'), policyOf('own-events')];
    for (const policy of [node, events]) {
      expect(policy).toContain('system:serviceaccount:nodeseal:nodeseal');
    }
    expect(node).toContain(ENFORCEMENT_LABEL);
    expect(node).toContain(ENFORCEMENT_CONDITION);
    expect(events).toContain(`component.orValue('') == 'nodeseal'`);
    const older = renderChart(HOST_TRUST, '--kube-version', '1.29.0');
    expect(older.map(({ kind }) => kind)).not.toContain('ValidatingAdmissionPolicy');
  });
});

describeWithTools('the hook that uninstalls', () => {
  const manifests = renderChart();
  const hooks = manifests.filter(isHook);

  it('is there only while it is at work', () => {
    expect(hooks.map(({ kind }) => kind).sort()).toEqual([
      ...['Job', 'Role', 'RoleBinding', 'ServiceAccount'],
    ]);
    for (const { metadata } of hooks) {
      expect(metadata.annotations).toMatchObject({
        'helm.sh/hook': 'pre-delete',
        'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
      });
    }
    const weight = (kind: string) =>
      Number(findManifest(hooks, kind).metadata.annotations?.['helm.sh/hook-weight']);
    expect(weight('Role')).toBeLessThan(weight('RoleBinding'));
    expect(weight('RoleBinding')).toBeLessThan(weight('Job'));
  });

  it('may change this one DaemonSet and see its pods, from a pod that may do nothing else', () => {
    expect(rightsOf(findManifest(hooks, 'Role'))).toEqual([
      'get apps/daemonsets nodeseal',
      'patch apps/daemonsets nodeseal',
      'list /pods',
    ]);
    expect(findManifest(hooks, 'Job')).toMatchObject({
      spec: {
        template: {
          spec: {
            securityContext: { runAsNonRoot: true },
            containers: [
              {
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ['ALL'] },
                },
              },
            ],
          },
        },
      },
    });
  });

  it('names the DaemonSet that there is, and ends before Helm gives up', () => {
    const words = argumentsOf(findManifest(hooks, 'Job'));
    const { metadata } = findManifest(manifests, 'DaemonSet');
    expect(words.slice(0, 2)).toEqual(['uninstall', '--daemonset']);
    const { namespace, name } = daemonSetNamed(words[2] ?? '');
    expect([namespace, name]).toEqual([metadata.namespace, metadata.name]);
    expect(words[3]).toBe('--wait');
    const waitMs = duration(words[4], '--wait', 0);
    expect(waitMs).toBe(DAEMON_SET_WAIT_MS);
    expect(waitMs).toBeLessThan(5 * 60_000);
  });

  it('can be left out', () => {
    const without = renderChart({ ...HOST_TRUST, uninstall: { hook: false } });
    expect(without.filter(isHook)).toEqual([]);
  });
});

function argumentsOf(job: Manifest): readonly string[] {
  const { spec } = job as unknown as {
    spec: { template: { spec: { containers: readonly [{ args: readonly string[] }] } } };
  };
  return spec.template.spec.containers[0].args;
}
