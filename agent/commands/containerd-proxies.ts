// Which proxies the running containerd uses: by its process, else by its unit.
import type { Config } from '../config.ts';
import { AgentError } from '../errors.ts';
import type { EffectiveConfig } from '../node/containerd/effective-config.ts';
import type { HostReader } from '../node/containerd/host-reader.ts';
import {
  proxyVariables,
  type RegistryAccess,
  readRegistryAccess,
} from '../node/containerd/registry-access.ts';
import { createSystemd } from '../node/host/systemd.ts';

/**
 * How containerd reaches registries. A process may not look at another's environment without
 * CAP_SYS_PTRACE; what the unit sets can be asked of systemd, but for what it has from files. Throws
 * what `readRegistryAccess` throws.
 */
export async function readContainerdAccess(
  { hostRoot, containerdUnit }: Pick<Config, 'hostRoot' | 'containerdUnit'>,
  effective: Pick<EffectiveConfig, 'values' | 'process'>,
  host: Pick<HostReader, 'read'>,
  signal: AbortSignal,
): Promise<RegistryAccess> {
  const access = await readRegistryAccess(effective, host);
  if (access.proxyVariables !== null) return access;
  try {
    const variables = await createSystemd(hostRoot).readEnvironment(containerdUnit, signal);
    return { ...access, proxyVariables: proxyVariables(variables) };
  } catch (error) {
    // Not every host has systemd: then nothing is known of proxies.
    if (error instanceof AgentError) return access;
    throw error;
  }
}
