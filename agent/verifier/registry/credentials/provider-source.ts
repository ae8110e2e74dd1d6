// Credentials from kubelet's credential provider plugins, which are run as kubelet runs them.
import { AgentError } from '../../../errors.ts';
import { repositoryOf } from '../../../oci/reference.ts';
import type { Secret } from './credential.ts';
import { matchesImage, parseImagePattern } from './image-match.ts';
import type { PodAccounts, RunAs } from './pod-accounts.ts';
import type { ProgramHost } from './program-runner.ts';
import type { CredentialProvider } from './provider-config.ts';
import { type LoadYaml, readProviders } from './provider-files.ts';
import { ProviderRuns } from './provider-runs.ts';
import type { OnFault, RepositoryName, SecretSource } from './secret-source.ts';

/** Paths of the host. */
export interface ProviderPlaces {
  /** Or a directory of such files. */
  readonly configFile: string;
  readonly binDir: string;
}

export interface ProviderSourceOptions {
  /** Null where kubelet is told of none. */
  readonly places: () => Promise<ProviderPlaces | null>;
  readonly host: ProgramHost;
  /** For plugins that want tokens of service accounts. Default: those are passed over, and told of. */
  readonly accounts?: PodAccounts | undefined;
  readonly loadYaml: LoadYaml;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly onFault: OnFault;
}

/** Reads kubelet's configuration anew each time; what plugins answer is kept as they allow. */
export function createProviderSource(options: ProviderSourceOptions): SecretSource {
  const runs = new ProviderRuns(options);
  return {
    name: 'provider',
    async lookup(repository) {
      const places = await options.places();
      if (places === null) return [];
      const image = parseImagePattern(repositoryOf(repository));
      if (image === undefined) return [];
      const all = await readProviders(places.configFile, options.host.access, options.loadYaml);
      const chosen = all.filter(({ images }) => images.some((one) => matchesImage(one, image)));
      const found = chosen.map((provider) =>
        lookupOne(provider, places, repository, runs, options),
      );
      return (await Promise.all(found)).flat();
    },
  };
}

/** What each way to run the plugin finds; the failure of one hides nothing of the others. */
async function lookupOne(
  provider: CredentialProvider,
  places: ProviderPlaces,
  repository: RepositoryName,
  runs: ProviderRuns,
  options: ProviderSourceOptions,
): Promise<readonly Secret[]> {
  const told = async <T>(attempt: Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await attempt;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      options.onFault(error);
      return [];
    }
  };
  const ways = await told(waysToRun(provider, repository, options));
  const found = ways.map(async (way) => {
    const keyring = await runs.keyring({ provider, binDir: places.binDir, way }, repository);
    return keyring.lookup(repositoryOf(repository));
  });
  return (await Promise.all(found.map(told))).flat();
}

async function waysToRun(
  { name, tokenAttributes }: CredentialProvider,
  repository: RepositoryName,
  { accounts }: ProviderSourceOptions,
): Promise<readonly RunAs[]> {
  if (tokenAttributes === undefined) return [{ key: '' }];
  if (accounts !== undefined) return accounts.of(repository, tokenAttributes);
  throw new AgentError(
    'credential_program_failed',
    `credential provider ${name}: tokenAttributes: expected an agent with NODESEAL_SERVICE_ACCOUNT_TOKENS, which asks for tokens of service accounts, found none`,
  );
}
