// The sources of credentials that a node has, in the order in which they are tried.
import { createCredentialChain } from './credential-chain.ts';
import type { CredentialSource } from './credential.ts';
import { createDockerConfigSource, type DockerConfigPlace } from './docker-config-source.ts';
import { OWN_HOST } from './host-access.ts';
import type { ProgramHost } from './program-runner.ts';
import { createProviderSource, type ProviderSourceOptions } from './provider-source.ts';
import type { SecretSource } from './secret-source.ts';

export interface HostCredentialsOptions extends Omit<ProviderSourceOptions, 'host' | 'places'> {
  readonly host: ProgramHost;
  /** As a path of the host. */
  readonly kubeletDir: string;
  readonly providers: ProviderSourceOptions['places'];
  /** A `config.json` of our own, where this process sees it. */
  readonly dockerConfig?: string | undefined;
  /** Of the pods of this node. */
  readonly pullSecrets?: SecretSource | undefined;
  /** How long a source is waited for. */
  readonly waitMs: number;
}

/**
 * Pull secrets, provider plugins, our own Docker configuration and kubelet's. After all of them,
 * registries are asked without a credential.
 */
export function createHostCredentials(options: HostCredentialsOptions): CredentialSource {
  const { host, kubeletDir, dockerConfig, pullSecrets, providers, onFault } = options;
  const { nowMs, waitMs } = options;
  const { access } = host;
  const places: readonly DockerConfigPlace[] = [
    ...(dockerConfig === undefined
      ? []
      : [{ path: dockerConfig, form: 'config', access: OWN_HOST } as const]),
    { path: `${kubeletDir}/config.json`, form: 'config', access },
    { path: `${kubeletDir}/.dockercfg`, form: 'legacy', access },
  ];
  const sources = [
    ...(pullSecrets === undefined ? [] : [pullSecrets]),
    createProviderSource({ ...options, places: providers }),
    createDockerConfigSource({ places, host, onFault }),
  ];
  return createCredentialChain({ sources, onFault, nowMs, waitMs });
}
