// What the settings say the host should hold, as a request to install it.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../config.ts';
import { AgentError } from '../errors.ts';
import type { RegistryAccess } from '../node/containerd/registry-access.ts';
import type { BinDirs } from '../node/host/bin-dirs.ts';
import type { InstallRequest } from '../node/host/install.ts';
import { createLayout, type HostLayout } from '../node/host/layout.ts';
import { DEFAULT_REGISTRY_HOSTS, encodeVerifierSettings } from '../pull/verifier-settings.ts';
import { findCredentialProviders } from './credential-providers.ts';
import { type Generation, readGeneration } from '../verifier/generation.ts';
import { splitHostsPath } from '../verifier/registry/hosts/host-directories.ts';

/** The host as this process sees it. */
export interface Host {
  readonly root: string;
  readonly layout: HostLayout;
  /** Paths of the host, as this process reaches them. */
  readonly policyFile: string;
  readonly truststoreDir: string;
  readonly pluginDir: string;
  /** Paths of the host: folders of hosts.toml files. */
  readonly registryHosts: readonly string[];
}

/**
 * The host that the settings name, with the verifier in `binDirs` and `access` to registries; see `findBinDirs`.
 * Without them, only what does not depend on where the verifier is may be asked of it.
 */
export function hostOf(
  config: Config,
  binDirs?: BinDirs,
  access: Pick<RegistryAccess, 'hostsPath'> | null = null,
): Host {
  const { agentSocket: socket, pluginDir } = config;
  const layout = { ...createLayout(...(binDirs ?? [])), socket, pluginDir };
  return {
    root: config.hostRoot,
    layout,
    policyFile: join(config.hostRoot, layout.policyFile),
    truststoreDir: join(config.hostRoot, layout.trustStoreDir),
    pluginDir: join(config.hostRoot, layout.pluginDir),
    registryHosts: registryHostsOf(config, access?.hostsPath ?? ''),
  };
}

function registryHostsOf({ registryHosts: set }: Config, hostsPath: string): readonly string[] {
  const followed = splitHostsPath(hostsPath);
  return set ?? (followed.length > 0 ? followed : DEFAULT_REGISTRY_HOSTS);
}

/**
 * Reads and validates what is to be installed; nothing is written. A source that is not set leaves
 * the host's own in place, which must then be as good. Throws the codes of `readGeneration`, and
 * `setting_invalid` when the verifier or the registry's CA cannot be read.
 */
export async function installRequest(config: Config, host: Host): Promise<InstallRequest> {
  const generation = await readGeneration(
    config.policySource ?? host.policyFile,
    config.truststoreSource ?? host.truststoreDir,
  );
  const providers = await findCredentialProviders(config);
  return {
    hostRoot: host.root,
    layout: host.layout,
    verifierPath: config.verifier ?? builtVerifier(),
    settings: encodeVerifierSettings({
      agentSocket: host.layout.socket,
      policyFile: host.layout.policyFile,
      truststoreDir: host.layout.trustStoreDir,
      plainHttp: config.registryPlainHttp,
      registryCa: registryCa(config) ?? null,
      registryHosts: host.registryHosts,
      pluginDir: host.layout.pluginDir,
      crlCacheDir: host.layout.crlCacheDir,
      bundleDir: config.bundleDir ?? null,
      kubeletDir: config.kubeletDir,
      credentialProviderConfig: providers?.configFile ?? null,
      credentialProviderBinDir: providers?.binDir ?? null,
      mode: config.mode,
    }),
    ...sources(config, generation),
  };
}

function sources(
  config: Config,
  { policyBytes, trustFiles }: Generation,
): Pick<InstallRequest, 'policyBytes' | 'trustFiles'> {
  return {
    ...(config.policySource === undefined ? {} : { policyBytes }),
    ...(config.truststoreSource === undefined ? {} : { trustFiles }),
  };
}

/** The PEM text that the settings name. Throws `setting_invalid`. */
export function registryCa({ registryCa: path }: Config): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AgentError('setting_invalid', `NODESEAL_REGISTRY_CA: ${String(cause)}`, { cause });
  }
}

/** Beside the bundle in a build, in `dist/` in a checkout. */
function builtVerifier(): string {
  const beside = join(dirname(resolve(process.argv[1] ?? '.')), 'nodeseal-verifier');
  const found = [beside, resolve(import.meta.dirname, '../../dist/nodeseal-verifier')].find(
    (path) => existsSync(path),
  );
  if (found !== undefined) return found;
  throw new AgentError(
    'setting_invalid',
    `NODESEAL_VERIFIER: expected the path of nodeseal-verifier, because there is none at ${beside}`,
  );
}
