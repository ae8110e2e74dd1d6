// Credentials from kubelet's credential provider plugins, which are run as kubelet runs them.
import { AgentError } from '../../../errors.ts';
import { parseStrictJson } from '../../../notation/encoding/json.ts';
import { repositoryOf } from '../../../oci/reference.ts';
import type { Secret } from './credential.ts';
import { matchesImage, parseImagePattern } from './image-match.ts';
import type { PodAccounts, RunAs } from './pod-accounts.ts';
import type { ProgramHost } from './program-runner.ts';
import { type CredentialProvider, parseProviderConfig } from './provider-config.ts';
import { ProviderRuns } from './provider-runs.ts';
import type { OnFault, RepositoryName, SecretSource } from './secret-source.ts';

/** Paths of the host. */
export interface ProviderPlaces {
  readonly configFile: string;
  readonly binDir: string;
}

export interface ProviderSourceOptions {
  /** Null where kubelet is told of none. */
  readonly places: () => Promise<ProviderPlaces | null>;
  readonly host: ProgramHost;
  /** For plugins that want tokens of service accounts. Default: those are passed over, and told of. */
  readonly accounts?: PodAccounts | undefined;
  /** Gives what reads YAML, which is what kubelet's configuration may be in, and throws for what is none. */
  readonly loadYaml: () => Promise<(text: string) => unknown>;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly onFault: OnFault;
}

/** Configurations are a few KiB. */
const MAX_CONFIG_BYTES = 1024 * 1024;

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
      const all = await readProviders(places, options);
      const chosen = all.filter(({ images }) => images.some((one) => matchesImage(one, image)));
      const found = chosen.map((provider) =>
        lookupOne(provider, places, repository, runs, options),
      );
      return (await Promise.all(found)).flat();
    },
  };
}

async function readProviders(
  { configFile }: ProviderPlaces,
  { host, loadYaml }: ProviderSourceOptions,
): Promise<readonly CredentialProvider[]> {
  const bytes = await host.access.read(configFile, MAX_CONFIG_BYTES).catch((cause: unknown) => {
    throw invalid(configFile, `expected to read it, found ${String(cause)}`, cause);
  });
  if (bytes === null) throw invalid(configFile, 'expected a file, because kubelet names it');
  if (bytes.length > MAX_CONFIG_BYTES) {
    throw invalid(configFile, `expected at most ${MAX_CONFIG_BYTES} bytes, found more`);
  }
  const text = Buffer.from(bytes).toString('utf8');
  if (text.trimStart().startsWith('{')) {
    const document = { what: configFile, code: 'credentials_invalid' } as const;
    const value = parseStrictJson(text, { ...document, maxBytes: MAX_CONFIG_BYTES });
    return parseProviderConfig(value, configFile);
  }
  return parseProviderConfig(readYaml(await loadYaml(), text, configFile), configFile);
}

function readYaml(parse: (text: string) => unknown, text: string, configFile: string): unknown {
  try {
    return parse(text);
  } catch {
    // Not as the cause: it may quote the text, and variables in it may be secret.
    throw invalid(configFile, 'expected YAML or JSON, found neither');
  }
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

function invalid(path: string, fault: string, cause?: unknown): AgentError {
  return new AgentError('credentials_invalid', `${path}: ${fault}`, { cause });
}
