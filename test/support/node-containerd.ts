// The containerd of a test node: configured and restarted, ready when this returns.
import { vi } from 'vitest';
import type { ContainerdClient } from '../../agent/node/containerd/client.ts';
import { fetchCriVersion } from '../../agent/node/containerd/cri.ts';
import { fetchVersion } from '../../agent/node/containerd/version.ts';
import { type ConfigOptions, containerdConfig } from './containerd-config.ts';
import type { TestNode } from './test-node.ts';

export const CONFIG_PATH = '/etc/containerd/config.toml';

/** What Debian's file has besides the defaults. */
export const NODE_PLUGINS = {
  'io.containerd.internal.v1.opt': { path: '/var/lib/containerd/opt' },
};

const READY_MS = 60_000;

export interface RestartOptions {
  /** False waits for containerd alone, whose configuration leaves CRI out. Default: true. */
  readonly servesCri?: boolean;
}

/** Replaces the configuration and restarts. */
export async function configureContainerd(
  node: TestNode,
  client: ContainerdClient,
  config: ConfigOptions,
  options: RestartOptions = {},
): Promise<void> {
  const text = containerdConfig({ ...config, plugins: { ...NODE_PLUGINS, ...config.plugins } });
  await node.writeFile(CONFIG_PATH, text);
  await restartContainerd(node, client, options);
}

export async function restartContainerd(
  node: TestNode,
  client: ContainerdClient,
  { servesCri = true }: RestartOptions = {},
): Promise<void> {
  // systemd allows five starts in ten seconds, and forgets those that were.
  const command = 'systemctl reset-failed containerd; systemctl restart containerd';
  await node.output(['sh', '-c', command]);
  const ready = servesCri ? fetchCriVersion : fetchVersion;
  await vi.waitFor<object>(() => ready(client), { timeout: READY_MS });
}
