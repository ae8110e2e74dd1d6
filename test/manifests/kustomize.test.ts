// The kustomize base is the chart, and the overlays change what their names say and nothing else.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { UNINSTALL_ARGS, UNINSTALL_PATCH } from '../../agent/node/kubernetes/daemon-set.ts';
import { createCa } from '../support/ca.ts';
import { temporaryDirectory } from '../support/front-door.ts';
import { describeWithTools, outputOf, ROOT } from '../support/kubernetes-tools.ts';
import { buildKustomization, findManifest, type Manifest } from '../support/rendered-manifests.ts';
import { podSpecOf, renderedPod } from '../support/rendered-pod.ts';

const KUSTOMIZE = 'manifests/kustomize';
const OVERLAYS = ['audit', 'enforce', 'uninstall'] as const;

/** An overlay with the two ConfigMaps that are its user's, as the base asks for them. */
function withTrust(overlay: (typeof OVERLAYS)[number]): readonly Manifest[] {
  const folder = temporaryDirectory();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'policy.json'), '{}');
  writeFileSync(join(folder, 'ca.crt'), createCa().root.pem);
  const resource = relative(folder, join(ROOT, KUSTOMIZE, 'overlays', overlay));
  const comment = readFileSync(join(ROOT, KUSTOMIZE, 'base/kustomization.yaml'), 'utf8');
  // What the comment says, as it says it.
  const said = /# {3}namespace: nodeseal\n(?:#.*\n)+/.exec(comment)?.[0] ?? '';
  const own = said.replaceAll(/^# {3}/gm, '');
  writeFileSync(join(folder, 'kustomization.yaml'), `resources:\n  - ${resource}\n${own}`);
  return buildKustomization(folder);
}

describeWithTools('the kustomize base', () => {
  it('is what hack/kubernetes/base makes of the chart', () => {
    const fresh = execFileSync(join(ROOT, 'hack/kubernetes/base'), ['--print'], {
      encoding: 'utf8',
    });
    const kept = ['base/nodeseal.yaml', 'components/webhook/webhook.yaml'].map((path) =>
      readFileSync(join(ROOT, KUSTOMIZE, path), 'utf8'),
    );
    expect(kept.join(''), 'run hack/kubernetes/base').toBe(fresh);
  });

  it('brings its namespace, and nothing that only Helm could use', () => {
    const base = buildKustomization(`${KUSTOMIZE}/base`);
    expect(findManifest(base, 'Namespace').metadata.name).toBe('nodeseal');
    expect(JSON.stringify(base)).not.toMatch(/helm/i);
  });

  it('finds the ConfigMaps that its comment tells to bring', () => {
    const { mounts } = renderedPod(withTrust('audit'));
    const files = mounts.flatMap(({ source }) =>
      source.kind === 'files' ? Object.keys(source.files) : [],
    );
    expect(files.sort()).toEqual(['policy.json', 'x509/ca/default/ca.crt']);
  });
});

describeWithTools('the overlays', () => {
  const built = Object.fromEntries(
    OVERLAYS.map((name) => [name, buildKustomization(`${KUSTOMIZE}/overlays/${name}`)]),
  );
  const of = (name: (typeof OVERLAYS)[number]) => built[name] ?? [];

  it('are the same for kubectl', () => {
    for (const name of OVERLAYS) {
      const folder = `${KUSTOMIZE}/overlays/${name}`;
      expect(outputOf('kubectl', ['kustomize', folder])).toBe(
        outputOf('kustomize', ['build', folder]),
      );
    }
  });

  it('audit and enforce differ in the mode alone', () => {
    const text = (name: 'audit' | 'enforce') => JSON.stringify(of(name));
    expect(text('enforce')).not.toBe(text('audit'));
    expect(text('enforce').replace('"enforce"', '"audit"')).toBe(text('audit'));
    expect(withMode(of('audit'))).toBe('audit');
    expect(withMode(of('enforce'))).toBe('enforce');
  });

  it('uninstall has the pods do what the command would have them do', () => {
    expect(renderedPod(withTrust('uninstall')).args).toEqual(UNINSTALL_ARGS);
    expect(findManifest(of('uninstall'), 'DaemonSet')).toMatchObject({
      spec: { updateStrategy: UNINSTALL_PATCH.spec.updateStrategy },
    });
    // All else is as it was, so that deleting it deletes all.
    expect(of('uninstall').map(({ kind }) => kind)).toEqual(of('audit').map(({ kind }) => kind));
  });
});

describeWithTools('the component of the webhook', () => {
  it('comes beside the base, of which it changes only that the agents compare with it', () => {
    const folder = temporaryDirectory();
    const path = (name: string) => relative(folder, join(ROOT, KUSTOMIZE, name));
    const components = `components:\n  - ${path('components/webhook')}\n`;
    const own = `resources:\n  - ${path('overlays/audit')}\n${components}`;
    writeFileSync(join(folder, 'kustomization.yaml'), own);
    const base = buildKustomization(`${KUSTOMIZE}/overlays/audit`);
    const both = buildKustomization(folder);
    const untouched = base.filter(({ kind }) => kind !== 'DaemonSet');
    expect(both).toEqual(expect.arrayContaining(untouched));
    const compared = { name: 'NODESEAL_ADMISSION_CONFIGURATION', value: 'nodeseal-nodeseal' };
    const [before, after] = [base, both].map(
      (all) => podSpecOf(findManifest(all, 'DaemonSet')).containers[0].env,
    );
    expect(after).toEqual([...(before ?? []), compared]);
    expect(findManifest(both, 'ValidatingWebhookConfiguration', compared.value)).toBeDefined();
    const added = both.filter((one) => !base.some((other) => isSame(one, other)));
    expect(added.map(({ kind }) => kind).sort()).toEqual([
      ...['ClusterRole', 'ClusterRole', 'ClusterRoleBinding', 'ClusterRoleBinding', 'Deployment'],
      ...['PodDisruptionBudget', 'Role', 'Role', 'RoleBinding', 'RoleBinding'],
      ...['Secret', 'Service', 'ServiceAccount', 'ValidatingWebhookConfiguration'],
    ]);
    expect(JSON.stringify(added)).not.toMatch(/helm/i);
  });
});

function isSame(one: Manifest, other: Manifest): boolean {
  return one.kind === other.kind && one.metadata.name === other.metadata.name;
}

function withMode(manifests: readonly Manifest[]): string | undefined {
  const daemonSet = JSON.stringify(findManifest(manifests, 'DaemonSet'));
  return /"NODESEAL_MODE","value":"(\w+)"/.exec(daemonSet)?.[1];
}
