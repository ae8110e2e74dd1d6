// The configuration as the running containerd has it: its version, its files, and what its own program makes of them.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import { type ContainerdClient, DEFAULT_SOCKET_PATH } from './client.ts';
import { type ConfigFiles, readConfigFiles } from './config-files.ts';
import type { DumpConfig } from './dump.ts';
import type { HostReader } from './host-reader.ts';
import { type ContainerdProcess, findContainerd } from './process.ts';
import { parseToml, TomlSection, type TomlTable } from './toml.ts';
import { fetchVersion } from './version.ts';

/** The configuration versions of containerd 1.3 (2), 2.0 (3) and 2.3 (4). */
export type ConfigVersion = 2 | 3 | 4;

export interface EffectiveConfig extends ConfigFiles {
  /** Of the containerd that answers on the socket, as it says it. */
  readonly version: string;
  readonly process: ContainerdProcess;
  /** Of the root file on the host; there need not be one. */
  readonly configPath: string;
  /** What the root file states. Where it states none, or there is none: the newest that this containerd knows. */
  readonly configVersion: ConfigVersion;
  /**
   * What `containerd config dump` prints, imports and defaults included, migrated to the newest version that this
   * containerd knows. It is what containerd reads when it starts: files that changed after
   * `process.startedAt` are not in force. It does not tell what containerd changes by itself while
   * it starts, such as its fallback to local image pulls.
   */
  readonly values: TomlTable;
}

export interface EffectiveConfigSources {
  readonly client: ContainerdClient;
  /** Of the client, as the host knows it. Default: containerd’s own. */
  readonly socketPath?: string;
  readonly host: HostReader;
  readonly dump: DumpConfig;
  /** The main process of containerd's unit, as systemd tells it. */
  readonly mainPid?: number | null;
}

/**
 * Reads the configuration of the containerd behind the client's socket. Throws
 * `containerd_unavailable` and `containerd_failed` when it does not tell its version,
 * `containerd_missing` when its process is not found, `containerd_config_unreadable`,
 * `containerd_config_invalid` and `containerd_dump_failed`.
 */
export async function readEffectiveConfig(
  { client, socketPath = DEFAULT_SOCKET_PATH, host, dump, mainPid = null }: EffectiveConfigSources,
  signal: AbortSignal,
): Promise<EffectiveConfig> {
  const { version } = await fetchVersion(client, signal);
  const process = await findContainerd(host, socketPath, mainPid);
  const { configPath, executable } = process;
  // Before the dump: of a file that is too large or no TOML, this one can say which it is.
  const files = await readConfigFiles(host, configPath);
  const values = parseToml(await dump({ executable, configPath }, signal), DUMP);
  return {
    ...files,
    version,
    process,
    configPath,
    configVersion: configVersionOf(files, configPath, values),
    values,
  };
}

const DUMP = 'output of containerd config dump';

function configVersionOf(
  { files }: ConfigFiles,
  configPath: string,
  values: TomlTable,
): ConfigVersion {
  const root = files.find(({ path }) => path === configPath);
  const version = root?.version ?? new TomlSection(values, '', DUMP).number('version', 0);
  if (version === 2 || version === 3 || version === 4) return version;
  const fault = `containerd configuration ${configPath}: version: expected 2, 3 or 4, found ${show(version)}`;
  throw new AgentError('containerd_config_invalid', fault);
}
