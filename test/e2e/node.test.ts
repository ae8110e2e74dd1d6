// Holds what every other end-to-end test takes for granted: the test node is a real node, and leaves nothing behind.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { pushImage, startRegistry } from '../support/node-images.ts';
import { createSigningKey, sign, writeTruststore } from '../support/node-signatures.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';

const VERIFIER_DIRECTORY = '/opt/containerd/image-verifier/bin';
const SUPPORT = fileURLToPath(new URL('../support', import.meta.url));

describeOnNode('test node', () => {
  let node: TestNode;

  beforeAll(async () => {
    node = await bootTestNode({ bindReadOnly: { [SUPPORT]: '/mnt/support' } });
    return () => node.stop();
  });

  it('runs containerd 2.1 or newer as a unit of systemd, with the image verifier plugin', async () => {
    expect(await node.output(['cat', '/proc/1/comm'])).toBe('systemd\n');
    expect(await node.output(['systemctl', 'is-active', 'containerd'])).toBe('active\n');
    const versions = (await node.output(['ctr', 'version'])).matchAll(/Version: +(\d+)\.(\d+)/g);
    for (const [, major, minor] of versions) {
      expect(Number(major) * 1000 + Number(minor)).toBeGreaterThanOrEqual(2001);
    }
    const plugins = await node.output(['ctr', 'plugins', 'ls']);
    expect(plugins).toMatch(/^io\.containerd\.image-verifier\.v1 +bindir .* ok *$/m);
  });

  it('answers from its journal, across a restart of containerd', async () => {
    await node.output(['systemctl', 'restart', 'containerd']);
    const journal = await node.output([
      'journalctl',
      '-u',
      'containerd',
      '-o',
      'cat',
      '--no-pager',
    ]);
    expect(journal.match(/containerd successfully booted/g)).toHaveLength(2);
  });

  it('passes input, output, exit code and signals of commands, in a clean environment', async () => {
    const command = ['sh', '-c', 'cat; env >&2; exit 7'];
    const { code, stdout, stderr } = await node.exec(command, { stdin: 'given\n' });
    expect([code, stdout]).toEqual([7, 'given\n']);
    const names = stderr.split('\n').map((line) => line.split('=')[0]);
    expect(names).toEqual(expect.arrayContaining(['HOME', 'LANG', 'PATH']));
    expect(names).not.toContain('NODE_ENV');
    expect((await node.exec(['sh', '-c', 'kill -TERM $$'])).code).toBe(143);
    await expect(node.exec(['sleep', '987'], { timeoutMs: 50 })).rejects.toThrow('still running');
    expect((await node.exec(['pgrep', '-f', 'sleep 987'])).code).toBe(1);
  });

  it('shows its files to the host, and a bound directory read-only', async () => {
    await node.writeFile('/run/made-by-host', 'text');
    expect(await node.output(['cat', '/run/made-by-host'])).toBe('text');
    await node.output(['sh', '-c', 'echo text >/root/made-by-node']);
    expect(readFileSync(node.path('/root/made-by-node'), 'utf8')).toBe('text\n');
    expect(await node.output(['ls', '/mnt/support'])).toContain('test-node.ts');
    expect((await node.exec(['touch', '/mnt/support/new'])).code).not.toBe(0);
  });

  it.each(['docker-registry', 'crane'] as const)(
    'signs images of a %s registry by notation, which verifies them',
    async (kind) => {
      const registry = await startRegistry(node, kind);
      const key = await createSigningKey(
        node,
        `signer-${kind}`,
        kind === 'crane' ? 'p-256' : 'rsa-2048',
      );
      const other = await createSigningKey(node, `other-${kind}`);
      const directory = '/root/.config/notation/truststore';
      await writeTruststore(node, kind, [key], directory);
      await node.writeFile('/root/.config/notation/trustpolicy.json', policy(kind, key.subject));
      const verify = async (pinned: string): Promise<number> =>
        (await node.exec(['notation', 'verify', '--insecure-registry', pinned])).code;

      for (const format of ['jws', 'cose'] as const) {
        const image = await pushImage(registry, `signed-${format}`, { index: format === 'cose' });
        await sign(registry, image.pinned, { key, format });
        expect(await verify(image.pinned)).toBe(0);
      }
      const foreign = await pushImage(registry, 'foreign');
      expect(await verify(foreign.pinned)).not.toBe(0);
      await sign(registry, foreign.pinned, { key: other, format: 'jws' });
      expect(await verify(foreign.pinned)).not.toBe(0);
      registry.stop();
    },
  );

  it('asks a verifier dropped into the default directory on each pull', async () => {
    const registry = await startRegistry(node, 'docker-registry');
    const image = await pushImage(registry, 'asked', { index: true });
    const pull = ['ctr', '--namespace', 'k8s.io', 'images', 'pull', '--plain-http', image.tagged];
    const verifier = `${VERIFIER_DIRECTORY}/recorder`;
    try {
      await node.writeFile(verifier, '#!/bin/sh\necho "no: $*"\nexit 1\n', 0o755);
      const refused = await node.exec(pull);
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toContain(`no: -name ${image.tagged} -digest ${image.digest}`);
      await node.output(['rm', verifier]);
      await node.output(pull);
    } finally {
      await node.exec(['rm', '-f', verifier]);
    }
  });

  it('does not share files, processes or containerd with another node', async () => {
    await using other = await bootTestNode();
    await node.writeFile('/root/mine', '');
    expect((await other.exec(['test', '-e', '/root/mine'])).code).toBe(1);
    await node.output(['ctr', 'namespaces', 'create', 'mine']);
    expect(await other.output(['ctr', 'namespaces', 'list'])).not.toContain('mine');
    expect(await other.output(['hostname'])).toContain(other.name);
    expect(await other.output(['cat', '/etc/machine-id'])).not.toBe(
      await node.output(['cat', '/etc/machine-id']),
    );
  });

  it('leaves no mount, process or cgroup when stopped, twice', async () => {
    const gone = await bootTestNode();
    gone.spawn(['sleep', '1000']);
    expect(traces(gone.name)).not.toEqual([]);
    await gone.stop();
    expect(traces(gone.name)).toEqual([]);
    await gone.stop();
  });
});

function policy(store: string, identity: string): string {
  return JSON.stringify({
    version: '1.0',
    trustPolicies: [
      {
        name: 'all',
        registryScopes: ['*'],
        signatureVerification: { level: 'strict' },
        trustStores: [`ca:${store}`],
        trustedIdentities: [identity],
      },
    ],
  });
}

/** Mounts, live processes (by command line or cgroup) and cgroups of this machine that carry the node's name. */
function traces(name: string): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const cgroups = mounts
    .filter((line) => line.startsWith('cgroup'))
    .flatMap((line) => readdirSync(line.split(' ')[1] ?? ''));
  const processes = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => [readIfThere(`/proc/${pid}/cmdline`), readIfThere(`/proc/${pid}/cgroup`)])
    // One that has ended and waits for its parent to notice has no command line.
    .map(([commandLine, cgroup]) => (commandLine === '' ? '' : `${commandLine} ${cgroup}`));
  return [...mounts, ...cgroups, ...processes].filter((text) => text.includes(name));
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process has ended since the directory was read.
  }
}
