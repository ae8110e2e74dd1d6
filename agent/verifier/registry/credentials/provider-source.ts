// Credentials from kubelet's credential provider plugins, which are run as kubelet runs them.
import { AgentError } from '../../../errors.ts';
import { parseStrictJson } from '../../../notation/encoding/json.ts';
import { repositoryOf } from '../../../oci/reference.ts';
import type { Secret } from './credential.ts';
import { matchesImage, parseImagePattern } from './image-match.ts';
import { Keyring } from './keyring.ts';
import { type ProgramHost, runCredentialProgram } from './program-runner.ts';
import { ProviderCache } from './provider-cache.ts';
import { type CredentialProvider, parseProviderConfig } from './provider-config.ts';
import {
  encodeProviderRequest,
  MAX_PROVIDER_RESPONSE_BYTES,
  parseProviderResponse,
} from './provider-response.ts';
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
  /** Gives what reads YAML, which is what kubelet's configuration may be in, and throws for what is none. */
  readonly loadYaml: () => Promise<(text: string) => unknown>;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly onFault: OnFault;
}

/** A plugin that fails is left alone for so long: a verdict asks several times. */
const FAILURE_MS = 10_000;
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

async function lookupOne(
  provider: CredentialProvider,
  places: ProviderPlaces,
  repository: RepositoryName,
  runs: ProviderRuns,
  { onFault }: ProviderSourceOptions,
): Promise<readonly Secret[]> {
  try {
    const keyring = await runs.keyring(provider, places, repository);
    return keyring.lookup(repositoryOf(repository));
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    onFault(error);
    return [];
  }
}

/** Runs plugins: once for all who wait, and again when the answer has grown old. */
class ProviderRuns {
  readonly #options: ProviderSourceOptions;
  readonly #cache = new ProviderCache();
  readonly #underWay = new Map<string, Promise<Keyring>>();
  readonly #failures = new Map<string, { readonly error: AgentError; readonly untilMs: number }>();

  constructor(options: ProviderSourceOptions) {
    this.#options = options;
  }

  async keyring(
    provider: CredentialProvider,
    { binDir }: ProviderPlaces,
    repository: RepositoryName,
  ): Promise<Keyring> {
    const nowMs = this.#options.nowMs();
    const cached = this.#cache.get(provider.name, repository, nowMs);
    if (cached !== undefined) return cached;
    const failure = this.#failures.get(provider.name);
    if (failure !== undefined && failure.untilMs > nowMs) throw failure.error;
    const key = `${provider.name} ${repositoryOf(repository)}`;
    const run =
      this.#underWay.get(key) ?? this.#run(provider, `${binDir}/${provider.name}`, repository);
    this.#underWay.set(key, run);
    try {
      return await run;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #run(
    provider: CredentialProvider,
    path: string,
    repository: RepositoryName,
  ): Promise<Keyring> {
    const what = `credential provider ${provider.name}`;
    try {
      const response = await ask(provider, path, repository, what, this.#options.host);
      const keyring = new Keyring(response.secrets);
      const cacheMs = response.cacheMs ?? provider.defaultCacheMs;
      if (cacheMs > 0) {
        const entry = { keyring, expiresAtMs: this.#options.nowMs() + cacheMs };
        this.#cache.put(provider.name, response.cacheKeyType, repository, entry);
      }
      this.#failures.delete(provider.name);
      return keyring;
    } catch (error) {
      if (error instanceof AgentError) {
        const untilMs = this.#options.nowMs() + FAILURE_MS;
        this.#failures.set(provider.name, { error, untilMs });
      }
      throw error;
    }
  }
}

async function ask(
  provider: CredentialProvider,
  path: string,
  repository: RepositoryName,
  what: string,
  host: ProgramHost,
) {
  if (provider.needsServiceAccount) {
    const fault = 'expected one that needs no token of a service account, which only kubelet has';
    throw new AgentError('credential_program_failed', `${what}: ${fault}`);
  }
  const { args, env } = provider;
  const input = encodeProviderRequest(provider, repositoryOf(repository));
  const maxStdoutBytes = MAX_PROVIDER_RESPONSE_BYTES;
  const run = { path, args, env, input, maxStdoutBytes, what };
  const { exitCode, stdout } = await runCredentialProgram(run, host);
  if (exitCode === 0) return parseProviderResponse(stdout, provider, what);
  const fault = `expected exit code 0, found ${exitCode}`;
  throw new AgentError('credential_program_failed', `${what}: ${fault}`);
}

function invalid(path: string, fault: string, cause?: unknown): AgentError {
  return new AgentError('credentials_invalid', `${path}: ${fault}`, { cause });
}
