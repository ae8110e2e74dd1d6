// The agent's pod: what it may do, what it sees of the host, and how it is asked whether it is well.
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { STOP_MS } from '../../agent/commands/command.ts';
import { startStaying } from '../../agent/commands/uninstall-stay.ts';
import { parseConfig } from '../../agent/config.ts';
import { createLayout, stagingDirOf } from '../../agent/node/host/layout.ts';
import { SYSTEMD_SOCKET } from '../../agent/node/host/systemd.ts';
import { CONTAINER } from '../../agent/node/kubernetes/daemon-set.ts';
import { describeWithTools } from '../support/kubernetes-tools.ts';
import { type ChartValues, HOST_TRUST, renderChart } from '../support/rendered-manifests.ts';
import { agentPodSpec, type PodMount, renderedPod } from '../support/rendered-pod.ts';

const render = (values: ChartValues = {}) => renderChart({ ...HOST_TRUST, ...values });
const pod = renderedPodOf();

function renderedPodOf(values: ChartValues = {}) {
  return renderedPod(render(values));
}

interface HostMount {
  readonly path: string;
  readonly type: string;
  readonly isReadOnly: boolean;
  readonly at: string;
}

function hostMounts(mounts: readonly PodMount[]): readonly HostMount[] {
  return mounts.flatMap(({ path: at, isReadOnly, source }) =>
    source.kind === 'host' ? [{ path: source.path, type: source.type, isReadOnly, at }] : [],
  );
}

/** The mount that holds a path of the host. */
function mountOf(mounts: readonly HostMount[], path: string): HostMount | undefined {
  return mounts
    .filter((mount) => path === mount.path || path.startsWith(`${mount.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

describeWithTools('the agent’s pod', () => {
  it('has the one container that uninstalling looks for, which runs the agent', () => {
    const { containers } = agentPodSpec(render());
    expect(containers.map(({ name }) => name)).toEqual([CONTAINER]);
    expect(pod.args).toEqual(['run']);
    expect(pod.command).toBeUndefined();
  });

  it('may do what is named with its reason, and nothing else', () => {
    const [{ securityContext }] = agentPodSpec(render()).containers;
    expect(securityContext).toEqual({
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['SYS_CHROOT'] },
    });
    expect(pod).toMatchObject({ isHostPid: false, isHostNetwork: true, uid: 0 });
    expect(pod.seccompProfile).toBe('RuntimeDefault');
    expect(agentPodSpec(render())).not.toHaveProperty('hostIPC');
  });

  it('looks names up as its node does, because it is in its network', () => {
    expect(agentPodSpec(render()).dnsPolicy).toBe('Default');
  });

  it('is asked on the agent’s port, where it serves what it is asked for', async () => {
    const { listen } = parseConfig({ NODESEAL_LISTEN: pod.env['NODESEAL_LISTEN'] });
    expect(pod.ports).toEqual({ metrics: listen.port });
    const staying = await startStaying(
      { listen: { host: '127.0.0.1', port: 0 } },
      new PassThrough(),
    );
    onTestFinished(staying.close);
    for (const [name, probe] of Object.entries(pod.probes)) {
      expect([name, probe.port, probe.host]).toEqual([name, listen.port, undefined]);
      const { status } = await fetch(`http://127.0.0.1:${staying.port}${probe.path}`);
      expect(status).toBe(name === 'readiness' ? 503 : 200);
    }
  });

  it.each([
    ['127.0.0.1:9500', '127.0.0.1', 9500],
    ['[::1]:9501', '::1', 9501],
    ['10.0.0.7:9464', '10.0.0.7', 9464],
    ['[::]:9502', undefined, 9502],
    ['0.0.0.0:9503', undefined, 9503],
  ])('that listens on %s is asked there', (listen, host, port) => {
    const { probes, ports } = renderedPodOf({ agent: { listen } });
    expect(ports).toEqual({ metrics: port });
    expect(Object.values(probes).map((probe) => [probe.host, probe.port])).toEqual(
      Object.values(probes).map(() => [host, port]),
    );
  });

  it('is given longer to stop than the agent takes, and not much', () => {
    const ms = pod.terminationGracePeriodSeconds * 1000;
    expect(ms).toBeGreaterThan(STOP_MS);
    expect(ms).toBeLessThanOrEqual(2 * STOP_MS);
  });
});

describeWithTools('what the pod sees of the host', () => {
  const mounts = hostMounts(pod.mounts);

  it('are these directories', () => {
    const shown = mounts.map(({ path, isReadOnly }) => `${isReadOnly ? 'ro' : 'rw'} ${path}`);
    expect(shown.sort()).toEqual([
      'ro /proc',
      'ro /run/containerd',
      'ro /run/log',
      'ro /run/systemd',
      'ro /usr',
      'ro /var/log',
      'rw /etc/containerd',
      'rw /opt',
      'rw /run/nodeseal',
      'rw /var/lib/nodeseal',
    ]);
  });

  it('is below the host’s root as the agent knows it, and follows mounts of the host', () => {
    for (const { path, at } of mounts)
      expect(at).toBe(`${pod.env['NODESEAL_HOST_ROOT'] ?? ''}${path}`);
    const [{ volumeMounts }] = agentPodSpec(render()).containers;
    const followed = volumeMounts.filter((mount) => mount.mountPropagation === 'HostToContainer');
    expect(followed).toHaveLength(mounts.length);
  });

  it('is made only where it is written to: what is read says more by being absent', () => {
    for (const { path, type, isReadOnly } of mounts) {
      expect([path, type]).toEqual([path, isReadOnly ? 'Directory' : 'DirectoryOrCreate']);
    }
  });

  it.each([['/opt/containerd/image-verifier/bin'], ['/var/lib/verifiers/bin'], ['/srv/a/b/bin']])(
    'lets it install with the verifier in %s, each file within one mount',
    (binDir) => {
      const values = { agent: { binDir } };
      const there = hostMounts(renderedPodOf(values).mounts);
      const layout = createLayout(binDir);
      const files = [
        ...[layout.policyFile, layout.settingsFile, layout.manifestFile, layout.verifierFile],
        `${layout.trustStoreDir}/x509/ca/acme/ca.crt`,
      ];
      for (const file of files) {
        const mount = mountOf(there, file);
        expect([file, mount?.isReadOnly]).toEqual([file, false]);
        expect(mountOf(there, stagingDirOf(layout, file))).toBe(mount);
        // Nobody can remove a mount point.
        expect(mount?.path).not.toBe(binDir);
      }
      for (const path of [
        layout.socket,
        layout.lockFile,
        layout.breakGlassFile,
        layout.crlCacheDir,
      ]) {
        expect([path, mountOf(there, path)?.isReadOnly]).toEqual([path, false]);
      }
    },
  );

  it('has what it reads, and what its settings name', () => {
    const { containerdSocket } = parseConfig({});
    for (const path of [containerdSocket, SYSTEMD_SOCKET, '/run/log/journal', '/var/log/journal']) {
      expect([path, mountOf(mounts, path)?.isReadOnly]).toEqual([path, true]);
    }
    const agent = {
      containerdSocket: '/run/k3s/containerd/containerd.sock',
      containerdLog: '/var/lib/rancher/k3s/agent/containerd/containerd.log',
      agentSocket: '/run/other/agent.sock',
      stateDir: '/srv/state',
    };
    const there = hostMounts(renderedPodOf({ agent }).mounts);
    expect(mountOf(there, agent.containerdSocket)?.path).toBe('/run/k3s/containerd');
    expect(mountOf(there, agent.containerdLog)?.isReadOnly).toBe(true);
    expect(mountOf(there, agent.agentSocket)?.isReadOnly).toBe(false);
    expect(mountOf(there, agent.stateDir)?.isReadOnly).toBe(false);
    expect(mountOf(there, '/run/containerd')).toBeUndefined();
  });

  it('has what kubelet’s plugins need where it is to run them, and never the volumes of pods', () => {
    const agent = {
      credentialProviderConfig: '/etc/eks/image-credential-provider/config.json',
      credentialProviderBinDir: '/home/kubernetes/bin',
    };
    const there = hostMounts(renderedPodOf({ agent }).mounts);
    for (const path of [...Object.values(agent), '/etc/ssl/certs', '/etc/resolv.conf']) {
      expect([path, mountOf(there, path)?.isReadOnly]).toEqual([path, true]);
    }
    expect(mountOf(there, '/etc/containerd/config.toml')?.isReadOnly).toBe(false);
    expect(mountOf(there, '/var/lib/kubelet/config.json')).toBeUndefined();
  });

  it('leaves the journal out where it is sent', () => {
    const journalUpload = { listen: '127.0.0.1:19532', tokenSecret: 'token' };
    const paths = agentPodSpec(render({ journalUpload })).volumes.map(
      ({ hostPath }) => hostPath?.path,
    );
    for (const path of ['/var/log', '/run/log']) expect(paths).not.toContain(path);
  });

  it('adds what is asked for, and nothing twice', () => {
    const extraHostPaths = [
      { path: '/srv/a', readOnly: true },
      { path: '/opt/cni' },
      { path: '/usr/local/bin', readOnly: true },
      { path: '/run/containerd' },
      { path: '/srv/socket', type: 'Socket' },
    ];
    const added = hostMounts(renderedPodOf({ extraHostPaths }).mounts);
    const find = (path: string) => added.filter((mount) => mount.path === path);
    expect(find('/srv/a')).toMatchObject([{ isReadOnly: true, type: 'Directory' }]);
    // In /opt and /usr already.
    expect([...find('/opt/cni'), ...find('/usr/local/bin')]).toEqual([]);
    expect(find('/run/containerd')).toMatchObject([{ isReadOnly: false }]);
    expect(find('/srv/socket')).toMatchObject([{ type: 'Socket' }]);
    expect(new Set(added.map(({ at }) => at)).size).toBe(added.length);
  });
});
