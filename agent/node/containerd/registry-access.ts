// How containerd reaches registries, beyond what the name of one says: its directories of hosts.toml files, and its proxies.
import type { EffectiveConfig } from './effective-config.ts';
import type { HostReader } from './host-reader.ts';
import { IMAGES_PLUGIN } from './pull-settings.ts';
import { TomlSection, type TomlTable } from './toml.ts';

/** What a running containerd has. */
export interface RegistryAccess {
  /** `config_path` of CRI's registries; empty where there is none. */
  readonly hostsPath: string;
  /** The variables that say which proxies it uses; null where its environment cannot be read. */
  readonly proxyVariables: ProxyVariables | null;
}

/** By name, as Go looks for them. */
export type ProxyVariables = Readonly<Record<string, string>>;

const PROXY_VARIABLE = /^(?:https?_proxy|no_proxy)$/i;

/** What the kernel shows of one environment is bounded, but not by this. */
const MAX_ENVIRON_BYTES = 1024 * 1024;

/**
 * Reads it of the process that the configuration is of. To read the environment of another process
 * takes CAP_SYS_PTRACE; where this process lacks it, null stands for that. Throws
 * `containerd_config_invalid`.
 */
export async function readRegistryAccess(
  { values, process }: Pick<EffectiveConfig, 'values' | 'process'>,
  host: Pick<HostReader, 'read'>,
): Promise<RegistryAccess> {
  const path = `/proc/${process.pid}/environ`;
  const bytes = await host.read(path, MAX_ENVIRON_BYTES).catch(() => null);
  const variables = bytes === null ? null : Buffer.from(bytes).toString('utf8').split('\0');
  return {
    hostsPath: parseHostsPath(values),
    proxyVariables: variables === null ? null : proxyVariables(variables),
  };
}

/** Out of variables written as `NAME=value`, as in an environment and in a unit of systemd. */
export function proxyVariables(variables: readonly string[]): ProxyVariables {
  const pairs = variables.map((one) => [one.split('=', 1)[0] ?? '', one] as const);
  return Object.fromEntries(
    pairs
      .filter(([name]) => PROXY_VARIABLE.test(name))
      .map(([name, one]) => [name, one.slice(name.length + 1)]),
  );
}

function parseHostsPath(values: TomlTable): string {
  const images = new TomlSection(values).section('plugins').section(IMAGES_PLUGIN);
  return images.section('registry').text('config_path', '');
}
