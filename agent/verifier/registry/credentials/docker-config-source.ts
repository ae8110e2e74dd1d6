// Credentials from Docker's `config.json`: secrets in it, and helpers that it names.
import { AgentError } from '../../../errors.ts';
import { repositoryOf } from '../../../oci/reference.ts';
import type { Secret } from './credential.ts';
import { askHelper, HELPER_DIRECTORIES } from './credential-helper.ts';
import {
  type DockerConfig,
  type DockerConfigForm,
  MAX_DOCKER_CONFIG_BYTES,
  parseDockerConfig,
} from './docker-config.ts';
import type { HostAccess } from './host-access.ts';
import type { ProgramHost } from './program-runner.ts';
import type { OnFault, RepositoryName, SecretSource } from './secret-source.ts';

/** A file that may be there. */
export interface DockerConfigPlace {
  readonly path: string;
  readonly form: DockerConfigForm;
  /** Who reads it: what is mounted into our own pod is no file of the host. */
  readonly access: Pick<HostAccess, 'read'>;
}

export interface DockerConfigSourceOptions {
  /** In the order of trial. */
  readonly places: readonly DockerConfigPlace[];
  /** Where helpers run. */
  readonly host: ProgramHost;
  readonly onFault: OnFault;
  /** Default: `HELPER_DIRECTORIES`. */
  readonly helperDirectories?: readonly string[];
}

/** How Docker Hub is written in configurations; all but the first by Docker itself. */
const DOCKER_HUB = ['docker.io', 'https://index.docker.io/v1/', 'index.docker.io'] as const;

/** Reads the files anew each time: they are small, and may change. */
export function createDockerConfigSource(options: DockerConfigSourceOptions): SecretSource {
  return {
    name: 'docker_config',
    async lookup(repository) {
      const found = await Promise.all(
        options.places.map((place) =>
          lookupPlace(place, repository, options).catch((error: unknown) => {
            if (!(error instanceof AgentError)) throw error;
            options.onFault(error);
            return [];
          }),
        ),
      );
      return found.flat();
    },
  };
}

/** The registry's own helper, what the file itself holds, and the helper for all else, as Docker has it. */
async function lookupPlace(
  { path, form, access }: DockerConfigPlace,
  repository: RepositoryName,
  { host, onFault, helperDirectories = HELPER_DIRECTORIES }: DockerConfigSourceOptions,
): Promise<readonly Secret[]> {
  const bytes = await access.read(path, MAX_DOCKER_CONFIG_BYTES).catch((cause: unknown) => {
    const fault = `${path}: expected to read it, found ${String(cause)}`;
    throw new AgentError('credentials_invalid', fault, { cause });
  });
  if (bytes === null) return [];
  const config = parseDockerConfig(bytes, path, form, onFault);
  const held = config.keyring.lookup(repositoryOf(repository));
  const helper = helperFor(config, repository.registry);
  if (helper === undefined) return held;
  const asked = await askHelper(helper.name, helper.registry, helperDirectories, host).catch(
    (error: unknown) => {
      if (!(error instanceof AgentError)) throw error;
      onFault(error);
      return undefined;
    },
  );
  return asked === undefined ? held : helper.isOwn ? [asked, ...held] : [...held, asked];
}

interface Helper {
  readonly name: string;
  /** As the helper knows it. */
  readonly registry: string;
  /** It is for this registry, and not for every one. */
  readonly isOwn: boolean;
}

function helperFor({ helpers, store }: DockerConfig, registry: string): Helper | undefined {
  const names = registry === 'docker.io' ? DOCKER_HUB : [registry, `https://${registry}`];
  for (const name of names) {
    const helper = helpers.get(name);
    if (helper !== undefined) return { name: helper, registry: name, isOwn: true };
  }
  if (store === undefined) return undefined;
  return {
    name: store,
    registry: registry === 'docker.io' ? DOCKER_HUB[1] : registry,
    isOwn: false,
  };
}
