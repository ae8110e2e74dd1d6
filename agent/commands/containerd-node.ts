// The containerd of the host that the settings name, with everything it takes to read and change its configuration.
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { AgentError } from '../errors.ts';
import { type ContainerdClient, createContainerdClient } from '../node/containerd/client.ts';
import { createDump, type DumpConfig } from '../node/containerd/dump.ts';
import type { HostReader } from '../node/containerd/host-reader.ts';
import type { PluginFaults } from '../node/containerd/serving.ts';
import { waitUntilServing } from '../node/containerd/serving.ts';
import type { TextAccess } from '../node/host/containerd-config/host-text.ts';
import { createHostReader } from '../node/host/host-reader.ts';
import { createSystemd, type Systemd } from '../node/host/systemd.ts';
import type { Host } from './host-install.ts';

/** What is open has to be closed: use `withContainerd`. */
export interface ContainerdNode {
  readonly client: ContainerdClient;
  /** As the host knows it. */
  readonly socketPath: string;
  readonly host: HostReader;
  readonly dump: DumpConfig;
  readonly systemd: Systemd;
  readonly unit: string;
  readonly access: TextAccess;
  readonly verifierFile: string;
}

/** Does `work` with the containerd of the host. */
export async function withContainerd<T>(
  config: Config,
  { layout }: Host,
  work: (node: ContainerdNode) => Promise<T>,
): Promise<T> {
  const { hostRoot, containerdSocket: socketPath, containerdUnit: unit } = config;
  const client = createContainerdClient(join(hostRoot, socketPath));
  try {
    return await work({
      client,
      socketPath,
      host: createHostReader(hostRoot),
      dump: createDump(hostRoot),
      systemd: createSystemd(hostRoot),
      unit,
      access: { hostRoot, layout },
      verifierFile: layout.verifierFile,
    });
  } finally {
    client.close();
  }
}

/**
 * Throws `containerd_change_refused` unless the unit is what runs the process: another one must not
 * be restarted. Throws `systemd_unavailable` where systemd cannot be asked, before anything is changed.
 */
export async function assertUnitRuns(
  { systemd, unit }: ContainerdNode,
  pid: number,
  signal: AbortSignal,
): Promise<void> {
  const { mainPid } = await systemd.readUnit(unit, signal);
  if (mainPid === pid) return;
  const found = mainPid === null ? 'no process' : `process ${mainPid}`;
  throw new AgentError(
    'containerd_change_refused',
    `systemd: ${unit}: expected it to run containerd, process ${pid}, found ${found}; name its unit by NODESEAL_CONTAINERD_UNIT`,
  );
}

/** Restarts containerd by its unit, and waits until it serves as well as before. */
export async function restartContainerd(
  { systemd, unit, client }: ContainerdNode,
  before: PluginFaults,
  signal: AbortSignal,
): Promise<void> {
  await systemd.restartUnit(unit, signal);
  await waitUntilServing(client, before, signal);
}
