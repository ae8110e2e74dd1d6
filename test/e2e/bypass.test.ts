// Real containerds: each setting that makes them pass verifiers over, shown to do it, and the findings that name it.
import { afterEach, beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import { createDump } from '../../agent/node/containerd/dump.ts';
import { readNodeEvidence } from '../../agent/node/containerd/evidence.ts';
import {
  type Finding,
  findFindings,
  type NodeEvidence,
} from '../../agent/node/containerd/findings.ts';
import { fallbackFindings } from '../../agent/node/containerd/findings/fallback.ts';
import { parsePullSettings, VERIFIER_PLUGIN } from '../../agent/node/containerd/pull-settings.ts';
import { parseToml } from '../../agent/node/containerd/toml.ts';
import { fetchVersion, isAtLeast, isSupported } from '../../agent/node/containerd/version.ts';
import { createHostReader } from '../../agent/node/host/host-reader.ts';
import {
  type ConfigOptions,
  containerdConfig,
  dumpOf,
  FALLBACK_TRIGGERS,
} from '../support/containerd-config.ts';
import { PLATFORM_TREES } from '../support/platform-trees.ts';
import { describeOnContainerds } from '../support/containerds.ts';
import {
  CONFIG_PATH,
  configureContainerd,
  NODE_PLUGINS,
  restartContainerd,
  type RestartOptions,
} from '../support/node-containerd.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import {
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../support/node-images.ts';
import { bootTestNode, type TestNode } from '../support/test-node.ts';

const BIN_DIR = '/opt/containerd/image-verifier/bin';
const VERIFIER = `${BIN_DIR}/nodeseal-verifier`;
/** What Debian's file has besides. */
const READY_MS = 60_000;

describeOnContainerds('what passes image verifiers over', ({ version, boot }) => {
  let node: TestNode;
  let client: ContainerdClient;
  let image: PushedImage;

  beforeAll(async () => {
    node = await bootTestNode(boot);
    try {
      const registry: Registry = await startRegistry(node, 'crane');
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
      image = await pushImage(registry, 'unsigned');
      // Refuses everything, so that a pull that comes in was not judged.
      await node.writeFile(VERIFIER, '#!/bin/sh\necho never\nexit 1\n', 0o755);
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
    // Where CRI is down, nothing came in.
    await removeImage(client, image.tagged).catch(() => undefined);
  });

  const configure = (config: ConfigOptions, options: RestartOptions = {}) =>
    configureContainerd(node, client, config, options);

  async function evidence(): Promise<NodeEvidence> {
    const sources = { client, host: createHostReader(node.root), dump: createDump(node.root) };
    return readNodeEvidence(sources, VERIFIER, AbortSignal.timeout(READY_MS));
  }

  async function findings(): Promise<readonly Finding[]> {
    return findFindings(await evidence());
  }

  async function bypasses(): Promise<readonly string[]> {
    return (await findings()).filter(({ effect }) => effect === 'bypass').map(({ code }) => code);
  }

  /** Whether CRI brings in what the only verifier refuses. */
  async function isBypassed(): Promise<boolean> {
    return pullImage(client, image.tagged).then(
      () => true,
      (error: unknown) => {
        expect(String(error)).toContain('rejected image (exit code 1): never');
        return false;
      },
    );
  }

  it('is the version that it is called', async () => {
    expect((await fetchVersion(client)).version.replace(/^v|[-+~].*$/g, '')).toBe(version);
  });

  if (!isSupported(version)) {
    it('asks no verifier for CRI', async () => {
      expect(await isBypassed()).toBe(true);
      expect(await bypasses()).toEqual(['containerd_too_old']);
    });
    return;
  }

  it.each(PLATFORM_TREES)('makes of $title what its tree says', async (tree) => {
    const configPath = '/root/tree/config.toml';
    await node.writeFile(configPath, containerdConfig(tree.config));
    const request = { executable: '/usr/bin/containerd', configPath };
    const dump = createDump(node.root)(request, AbortSignal.timeout(READY_MS));
    if (tree.config.version === 4 && !isAtLeast(version, [2, 3])) {
      await expectCodeAsync(dump, 'containerd_dump_failed');
      return;
    }
    const settings = parsePullSettings(parseToml(await dump, 'dump'));
    expect(fallbackFindings(settings).map(({ code }) => code)).toEqual(tree.bypasses);
    expect(settings).toEqual(parsePullSettings(parseToml(Buffer.from(dumpOf(tree.config)), '')));
  });

  it('asks the verifier with Debian’s configuration, and nothing speaks against it', async () => {
    expect(await isBypassed()).toBe(false);
    expect(await findings()).toEqual([]);
  });

  it.each(FALLBACK_TRIGGERS)('is bypassed by $code, and that is found', async (trigger) => {
    await configure({ images: trigger.images });
    expect(await isBypassed()).toBe(true);
    expect(await bypasses()).toEqual([trigger.code]);
  });

  it('is bypassed by the same setting in a configuration of version 2', async () => {
    await configure({ version: 2, images: { discard_unpacked_layers: true } });
    expect(await isBypassed()).toBe(true);
    expect(await bypasses()).toEqual(['discard_unpacked_layers']);
  });

  it('goes by what containerd makes of its files: it loses this one on the way from version 2', async () => {
    const plugins = {
      'io.containerd.grpc.v1.cri': { containerd: { discard_unpacked_layers: true } },
    };
    await configure({ version: 2, plugins });
    expect(await isBypassed()).toBe(false);
    expect(await findings()).toEqual([]);
  });

  it('is bypassed by a drop-in', async () => {
    const dropIn = containerdConfig({ images: { max_concurrent_downloads: 4 } });
    await node.writeFile('/etc/containerd/conf.d/ten.toml', dropIn);
    await configure({ root: { imports: ['conf.d/*.toml'] } });
    expect(await isBypassed()).toBe(true);
    expect(await bypasses()).toEqual(['max_concurrent_downloads']);
    await configure({});
    await removeImage(client, image.tagged);
    expect(await isBypassed()).toBe(false);
    expect((await findings()).map(({ code }) => code)).toEqual(['drop_in_not_imported']);
    await node.output(['rm', '-r', '/etc/containerd/conf.d']);
  });

  it('is bypassed by max_verifiers = 0', async () => {
    await configure({ verifier: { max_verifiers: 0 } });
    expect(await isBypassed()).toBe(true);
    expect(await bypasses()).toEqual(['max_verifiers']);
  });

  it('is bypassed by another bin_dir', async () => {
    await configure({ verifier: { bin_dir: '/opt/elsewhere' } });
    expect(await isBypassed()).toBe(true);
    expect(await bypasses()).toEqual(['bin_dir_elsewhere']);
  });

  it('runs no verifier with its plugin disabled, or no longer pulls at all', async () => {
    const options = { root: { disabled_plugins: [VERIFIER_PLUGIN] } };
    const isSilent = isAtLeast(version, [2, 3]);
    await configure(options, { servesCri: isSilent });
    if (isSilent) expect(await isBypassed()).toBe(true);
    else await expectCodeAsync(pullImage(client, image.tagged), 'containerd_failed');
    const expected = { code: 'verifier_plugin_disabled', effect: isSilent ? 'bypass' : 'blocks' };
    expect(await findings()).toMatchObject([expected]);
    await configure({});
  });

  it('loses settings to a drop-in of a higher version, or does not start with it', async () => {
    const dropIn = containerdConfig({ version: 3 });
    const root = { imports: ['conf.d/*.toml'] };
    const images = { discard_unpacked_layers: true };
    await node.writeFile('/etc/containerd/conf.d/ten.toml', dropIn);
    try {
      if (isAtLeast(version, [2, 3])) {
        await node.writeFile(CONFIG_PATH, containerdConfig({ version: 2, root, images }));
        const error = await expectCodeAsync(findings(), 'containerd_dump_failed');
        expect(error.message).toContain('drop-in config version 3 higher than root');
      } else {
        await configure({ version: 2, root, images });
        expect(await isBypassed()).toBe(false);
        expect((await findings()).map(({ code }) => code)).toEqual(['drop_in_version']);
      }
    } finally {
      await node.output(['rm', '-r', '/etc/containerd/conf.d']);
    }
  });

  it('says which import is missing before the next start fails for it', async () => {
    await configure({});
    await node.writeFile(CONFIG_PATH, containerdConfig({ root: { imports: ['absent.toml'] } }));
    const codes = (await findings()).map(({ code }) => code);
    expect(codes).toContain('config_import_missing');
  });

  it('is asked about the configuration on its own command line, by its own program', async () => {
    const unit = '/run/systemd/system/containerd.service.d/elsewhere.conf';
    const command = '/opt/own/containerd --log-level=info --config ../srv/elsewhere.toml';
    const text = `[Service]\nWorkingDirectory=/opt\nExecStart=\nExecStart=${command}\n`;
    const copy = 'cp /usr/bin/containerd /opt/own/new && mv /opt/own/new /opt/own/containerd';
    await node.output(['sh', '-euc', `mkdir /opt/own; ${copy}`]);
    const config = { images: { discard_unpacked_layers: true }, plugins: NODE_PLUGINS };
    await node.writeFile('/srv/elsewhere.toml', containerdConfig(config));
    await node.writeFile(unit, text);
    try {
      await node.output(['systemctl', 'daemon-reload']);
      await configure({});
      expect(await isBypassed()).toBe(true);
      expect((await evidence()).config).toMatchObject({
        configPath: '/srv/elsewhere.toml',
        process: { executable: '/opt/own/containerd', isReplaced: false },
      });
      expect((await findings()).map(({ code }) => code)).toEqual(['discard_unpacked_layers']);
      await node.output(['sh', '-euc', copy]);
      expect((await findings()).map(({ code }) => code)).toContain('containerd_replaced');
    } finally {
      await node.output(['sh', '-euc', `rm -r ${unit} /opt/own; systemctl daemon-reload`]);
      await configure({});
    }
  });

  it('is not mistaken for a process in a container that calls itself containerd', async () => {
    // It reads from a pipe that nobody writes to.
    await node.writeFile('/srv/containerd', '#!/bin/sh\nread nothing\n', 0o755);
    const impostor = ['/srv/containerd', '-a', '/run/containerd/containerd.sock', '-c', '/none'];
    const child = node.spawn(['unshare', '--pid', '--fork', ...impostor]);
    const named = async () => (await node.output(['pgrep', '-x', 'containerd'])).trim().split('\n');
    await expect.poll(named).toHaveLength(2);
    const show = ['systemctl', 'show', '--property=MainPID', '--value', 'containerd'];
    const mainPid = Number(await node.output(show));
    expect((await evidence()).config.process.pid).toBe(mainPid);
    child.kill('SIGKILL');
    await expect.poll(named).toHaveLength(1);
  });

  it('tells nothing while it is stopped, rather than what its files would say', async () => {
    await node.output(['systemctl', 'stop', 'containerd']);
    await expectCodeAsync(findings(), 'containerd_unavailable');
    await restartContainerd(node, client);
    expect(await findings()).toEqual([]);
  });

  it('refuses every pull with an entry in bin_dir that is no program', async () => {
    await configure({});
    await node.writeFile(`${BIN_DIR}/README`, 'text');
    await expect(pullImage(client, image.tagged)).rejects.toThrow('permission denied');
    expect((await findings()).map(({ code }) => code)).toEqual(['verifier_broken']);
    await node.output(['rm', `${BIN_DIR}/README`]);
  });

  it('refuses every pull with a bin_dir that nothing may be executed in', async () => {
    await configure({});
    await node.output(['mount', '--bind', BIN_DIR, BIN_DIR]);
    try {
      await node.output(['mount', '-o', 'remount,bind,noexec', BIN_DIR]);
      await expect(pullImage(client, image.tagged)).rejects.toThrow('permission denied');
      expect((await findings()).map(({ code }) => code)).toEqual(['bin_dir_noexec']);
    } finally {
      await node.output(['umount', BIN_DIR]);
    }
  });

  it('goes by the configuration it started with, and the one on the disk is told apart', async () => {
    await configure({});
    const text = containerdConfig({ images: { discard_unpacked_layers: true } });
    const codes = async () => {
      // The start is known to the second, so that a change right after it is not seen.
      await node.writeFile(CONFIG_PATH, text);
      return (await findings()).map(({ code }) => code);
    };
    const expected = ['discard_unpacked_layers', 'config_changed_since_start'];
    await expect.poll(codes).toEqual(expected);
    expect(await isBypassed()).toBe(false);
  });
});
