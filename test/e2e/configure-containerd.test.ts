// A real node: each setting that makes containerd pass verifiers over is mended by
// `install --configure-containerd`, and whatever does not work is undone.
import { resolve } from 'node:path';
import { afterEach, beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { isAtLeast } from '../../agent/node/containerd/version.ts';
import { fetchCriVersion, pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import { containerdConfig, FALLBACK_TRIGGERS } from '../support/containerd-config.ts';
import { createCa } from '../support/ca.ts';
import { describeOnVerifyingContainerds } from '../support/containerds.ts';
import { type PushedImage, pushImage, startRegistry } from '../support/node-images.ts';
import { bootTestNode, type TestNode } from '../support/test-node.ts';
import { documentOf, statement } from '../support/trust-policy.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const PROGRAM = '/srv/nodeseal';
const CONFIG = '/etc/containerd/config.toml';
const UNIT_DROP_IN = '/run/systemd/system/containerd.service.d/test.conf';
const READY_MS = 60_000;
/** What Debian's file has besides. */
const plugins = { 'io.containerd.internal.v1.opt': { path: '/var/lib/containerd/opt' } };

const MENDED = [
  'use_local_image_pull',
  'disable_snapshot_annotations',
  'discard_unpacked_layers',
  'max_concurrent_downloads',
];

describeOnVerifyingContainerds('configuring containerd', ({ version, boot }) => {
  let node: TestNode;
  let client: ContainerdClient;
  let image: PushedImage;

  beforeAll(async () => {
    node = await bootTestNode({ ...boot, bindReadOnly: { [REPOSITORY]: PROGRAM } });
    try {
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
      image = await pushImage(await startRegistry(node, 'crane'), 'unsigned');
      const policy = [statement({ registryScopes: ['*'], trustedIdentities: ['*'] })];
      await node.writeFile('/srv/policy.json', documentOf(policy));
      await node.writeFile('/srv/trust/x509/ca/acme/root.pem', createCa().root.pem);
      // Refuses everything, so that a pull that comes in was not judged.
      await node.writeFile(
        '/srv/verifier',
        '#!/bin/sh\n[ "$1" = --version ] && exit 0\nexit 1\n',
        0o755,
      );
    } catch (error) {
      await node.stop();
      throw error;
    }
    return async () => {
      client.close();
      await node.stop();
    };
  });

  afterEach(async () => {
    await node.exec(['rm', '-rf', UNIT_DROP_IN, '/etc/containerd/conf.d']);
    await node.output(['systemctl', 'daemon-reload']);
    await removeImage(client, image.tagged);
  });

  const nodeseal = (...args: readonly string[]) =>
    node.exec([
      ...[
        'env',
        'NODESEAL_POLICY_SOURCE=/srv/policy.json',
        'NODESEAL_TRUSTSTORE_SOURCE=/srv/trust',
      ],
      ...['NODESEAL_VERIFIER=/srv/verifier', `${PROGRAM}/node_modules/node/bin/node`],
      ...['--disable-warning=ExperimentalWarning', `${PROGRAM}/agent/main.ts`, ...args],
    ]);

  const install = (...args: readonly string[]) =>
    nodeseal('install', '--configure-containerd', ...args);

  async function read(path = CONFIG): Promise<string> {
    return node.output(['cat', path]);
  }

  /** Writes the root file and restarts containerd, as an operator does. */
  async function start(text: string | null): Promise<void> {
    if (text === null) await node.output(['rm', CONFIG]);
    else await node.writeFile(CONFIG, text);
    await node.output([
      'sh',
      '-c',
      'systemctl reset-failed containerd; systemctl restart containerd',
    ]);
    const ready = () =>
      fetchCriVersion(client).then(
        () => true,
        () => false,
      );
    await expect.poll(ready, { timeout: READY_MS }).toBe(true);
    // So that the file is older than the second in which containerd started.
    await node.output(['sleep', '1.1']);
  }

  const isBypassed = async (): Promise<boolean> => {
    const isIn = await pullImage(client, image.tagged).then(
      () => true,
      () => false,
    );
    await removeImage(client, image.tagged);
    return isIn;
  };

  it('mends every setting that can be, in the root file, and puts it back byte for byte', async () => {
    const newest = isAtLeast(version, [2, 3]) ? 4 : 3;
    const before = containerdConfig({
      plugins,
      version: newest,
      images: Object.assign(
        {},
        ...FALLBACK_TRIGGERS.filter(({ code }) => MENDED.includes(code)).map(
          ({ images }) => images,
        ),
      ) as Record<string, never>,
      verifier: { max_verifiers: 0, per_verifier_timeout: '1s' },
    }).replace(/^version.*$/m, '# of the site\n$& # of the day');
    await start(before);
    expect(await isBypassed()).toBe(true);
    const planned = await install('--dry-run');
    expect(planned.stdout).toContain('\n-use_local_image_pull = true\n');
    expect(planned.stdout).toContain('\n+use_local_image_pull = false\n');
    expect(await read()).toBe(before);
    const { code, stdout, stderr } = await install();
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(await isBypassed()).toBe(false);
    expect(await read()).toContain(`# of the site\nversion = ${newest} # of the day`);
    expect((await install()).stdout).toContain('nothing to change');
    const removed = await nodeseal('uninstall');
    expect(removed, removed.stderr).toMatchObject({ code: 0 });
    expect(await read()).toBe(before);
    expect(await isBypassed()).toBe(true);
    expect((await node.exec(['ls', '-A', '/etc/containerd'])).stdout).toBe('config.toml\n');
  });

  it('mends by a drop-in where the root file imports a folder, in its version', async () => {
    const images = { discard_unpacked_layers: true };
    const before = containerdConfig({
      version: 2,
      images,
      plugins,
      root: { imports: ['conf.d/*.toml'] },
    });
    await start(before);
    expect(await isBypassed()).toBe(true);
    const { code, stdout, stderr } = await install();
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    expect(await isBypassed()).toBe(false);
    expect(await read()).toBe(before);
    expect(await read('/etc/containerd/conf.d/zz-nodeseal.toml')).toContain('version = 2\n');
    expect((await nodeseal('uninstall')).stdout).toContain('as it was before');
    expect((await node.exec(['ls', '-A', '/etc/containerd'])).stdout).toBe('config.toml\n');
    expect(await isBypassed()).toBe(true);
  });

  it('takes out only its own lines when others have changed the file since', async () => {
    const before = containerdConfig({ images: { discard_unpacked_layers: true }, plugins });
    await start(before);
    expect((await install()).code).toBe(0);
    await start(`${await read()}\n[debug]\nlevel = "info"\n`);
    const { code, stdout } = await nodeseal('uninstall');
    expect(stdout).toContain('changed by others since, so that only our lines are taken out');
    expect(code).toBe(0);
    expect(await read()).toBe(`${before}\n[debug]\nlevel = "info"\n`);
    expect(await isBypassed()).toBe(true);
  });

  it('explains what it cannot mend, and changes nothing', async () => {
    const mirrors = { mirrors: { 'a.example': { endpoint: ['http://127.0.0.1:9'] } } };
    const before = containerdConfig({
      images: { discard_unpacked_layers: true, registry: mirrors },
      plugins,
    });
    await start(before);
    const pid = await node.output(['systemctl', 'show', '-p', 'MainPID', 'containerd']);
    const { code, stdout } = await install();
    expect(code).toBe(1);
    expect(stdout).toContain('registry_mirrors');
    expect(await read()).toBe(before);
    expect(await node.output(['systemctl', 'show', '-p', 'MainPID', 'containerd'])).toBe(pid);
  });

  it('puts the exact bytes back when containerd does not come up with the change', async () => {
    const before = containerdConfig({ images: { discard_unpacked_layers: true }, plugins });
    await start(before);
    const refuse = `[Service]\nExecStartPre=/bin/sh -c '! grep -q "discard_unpacked_layers = false" ${CONFIG}'\n`;
    await node.writeFile(UNIT_DROP_IN, refuse);
    await node.output(['systemctl', 'daemon-reload']);
    const { code, stderr } = await install();
    expect(code).toBe(2);
    expect(stderr).toContain('containerd_change_undone');
    expect(await read()).toBe(before);
    expect(await isBypassed()).toBe(true);
    expect((await nodeseal('uninstall')).stdout).not.toContain('restored');
  });

  it('changes nothing when containerd does not make of it what it should', async () => {
    const images = { discard_unpacked_layers: true };
    const before = containerdConfig({
      plugins,
      root: { imports: ['/etc/containerd/conf.d/last.toml'] },
    });
    await node.writeFile('/etc/containerd/conf.d/last.toml', containerdConfig({ images }));
    await start(before);
    const { code, stderr } = await install();
    expect(code).toBe(2);
    expect(stderr).toContain('containerd_change_refused');
    expect(await read()).toBe(before);
    const left = await node.output(['find', '/etc/containerd', '-name', '*staged*']);
    expect(left).toBe('');
  });

  it('restarts containerd for what a killed run had changed', async () => {
    const before = containerdConfig({ images: { discard_unpacked_layers: true }, plugins });
    await start(before);
    expect((await install()).code).toBe(0);
    const after = await read();
    await start(before);
    // As it is when the run was killed after it had renamed the file in.
    await node.writeFile(CONFIG, after);
    expect(await isBypassed()).toBe(true);
    const { code, stdout } = await install();
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('restarted containerd') as string,
    });
    expect(await isBypassed()).toBe(false);
    // So that the start is later than the second in which the record was written.
    await node.output(['sleep', '1.1']);
    await node.output(['systemctl', 'restart', 'containerd']);
    // As it is when uninstalling was killed after it had put the file back.
    await node.writeFile(CONFIG, before);
    expect(await isBypassed()).toBe(false);
    expect((await nodeseal('uninstall')).stdout).toContain('containerd was restarted');
    expect(await isBypassed()).toBe(true);
  });
});
