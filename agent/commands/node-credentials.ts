// The credentials for registries that a node has, found as the settings say.
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { AgentError } from '../errors.ts';
import { createHostReader } from '../node/host/host-reader.ts';
import type { CredentialSource } from '../verifier/registry/credentials/credential.ts';
import type { HostAccess } from '../verifier/registry/credentials/host-access.ts';
import { createHostCredentials } from '../verifier/registry/credentials/host-credentials.ts';
import type { ProviderPlaces } from '../verifier/registry/credentials/provider-source.ts';
import { TimedMemory } from '../verifier/registry/credentials/timed-memory.ts';
import { findCredentialProviders } from './credential-providers.ts';
import { podAccountsOf } from './pod-accounts.ts';
import { pullSecretsOf } from './pull-secrets.ts';

export interface NodeCredentialsParts {
  readonly config: Pick<
    Config,
    | 'hostRoot'
    | 'kubeletDir'
    | 'dockerConfig'
    | 'credentialProviderConfig'
    | 'credentialProviderBinDir'
    | 'pullSecrets'
    | 'serviceAccountTokens'
    | 'nodeName'
  >;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Told of what is wrong with a source, and again as long as it is. Must not throw. */
  readonly onFault: (error: AgentError) => void;
}

/** As kubelet gives its plugins; what comes too late for one verdict is known to the next. */
const PROGRAM_TIMEOUT_MS = 60_000;
/** A pull waits 5 s for the agent. */
const WAIT_MS = 3_500;
/** A kubelet with another command line is a kubelet that was restarted. */
const PLACES_MS = 5 * 60_000;

/** Asks nobody yet. */
export function createNodeCredentials(parts: NodeCredentialsParts): CredentialSource {
  const { config, environment, nowMs, onFault } = parts;
  const access = hostAccess(config.hostRoot);
  const places = new TimedMemory<ProviderPlaces | null>(nowMs, 1);
  return createHostCredentials({
    host: { access, timeoutMs: PROGRAM_TIMEOUT_MS, environment },
    kubeletDir: config.kubeletDir,
    dockerConfig: config.dockerConfig,
    providers: () => places.get('', PLACES_MS, () => findReadable(config, access)),
    pullSecrets: pullSecretsOf(config, environment, { nowMs, onFault }),
    accounts: podAccountsOf(config, environment, { nowMs, onFault }),
    loadYaml: async () => (await import('./yaml.ts')).parseYaml,
    ...{ nowMs, onFault, waitMs: WAIT_MS },
  });
}

/** The host's files where they are mounted, and its programs in its own root, which takes CAP_SYS_CHROOT. */
function hostAccess(hostRoot: string): HostAccess {
  const reader = createHostReader(hostRoot);
  return {
    read: (path, maxBytes) => reader.read(path, maxBytes),
    async list(path) {
      if ((await reader.stat(path))?.kind !== 'directory') return null;
      const names = (await reader.list(path)) ?? [];
      const kinds = await Promise.all(names.map(async (name) => reader.stat(join(path, name))));
      return names.filter((_, index) => kinds[index]?.kind !== 'directory');
    },
    async isExecutable(path) {
      const found = await reader.stat(path).catch(() => null);
      return found?.kind === 'file' && found.isExecutable;
    },
    enter: hostRoot === '/' ? [] : ['chroot', hostRoot],
  };
}

/**
 * What kubelet's command line names is not in reach of a pod in which it is not mounted: then the
 * agent has no plugins, and the pull verifier still has. What the settings name must be there.
 */
async function findReadable(
  config: NodeCredentialsParts['config'],
  access: HostAccess,
): Promise<ProviderPlaces | null> {
  const places = await findCredentialProviders(config);
  if (places === null || config.credentialProviderConfig !== undefined) return places;
  const { configFile } = places;
  const found = [access.list(configFile), access.read(configFile, 0)];
  const isHere = (await Promise.allSettled(found)).some(
    (one) => one.status === 'fulfilled' && one.value !== null,
  );
  return isHere ? places : null;
}
