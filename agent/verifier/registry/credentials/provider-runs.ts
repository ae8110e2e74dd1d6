// Runs of credential provider plugins: once for all who wait, and again when the answer has grown old.
import { AgentError } from '../../../errors.ts';
import { repositoryOf } from '../../../oci/reference.ts';
import { Keyring } from './keyring.ts';
import type { RunAs } from './pod-accounts.ts';
import { type ProgramHost, runCredentialProgram } from './program-runner.ts';
import { ProviderCache } from './provider-cache.ts';
import type { CredentialProvider } from './provider-config.ts';
import {
  encodeProviderRequest,
  MAX_PROVIDER_RESPONSE_BYTES,
  parseProviderResponse,
} from './provider-response.ts';
import type { RepositoryName } from './secret-source.ts';

export interface ProviderRunsOptions {
  readonly host: ProgramHost;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** What is run, and as whom. */
export interface ProviderCall {
  readonly provider: CredentialProvider;
  readonly binDir: string;
  readonly way: RunAs;
}

/** A plugin that fails is left alone for so long: a verdict asks several times. */
const FAILURE_MS = 10_000;
/** Plugins by the accounts that they are run for. */
const MAX_FAILURES = 256;

export class ProviderRuns {
  readonly #options: ProviderRunsOptions;
  readonly #cache = new ProviderCache();
  readonly #underWay = new Map<string, Promise<Keyring>>();
  readonly #failures = new Map<string, { readonly error: AgentError; readonly untilMs: number }>();

  constructor(options: ProviderRunsOptions) {
    this.#options = options;
  }

  /** Throws `credential_program_failed`. */
  async keyring(call: ProviderCall, repository: RepositoryName): Promise<Keyring> {
    const { provider, way } = call;
    const nowMs = this.#options.nowMs();
    const cached = this.#cache.get({ name: provider.name, runAs: way.key }, repository, nowMs);
    if (cached !== undefined) return cached;
    const failure = this.#failures.get(`${provider.name} ${way.key}`);
    if (failure !== undefined && failure.untilMs > nowMs) throw failure.error;
    const key = `${provider.name} ${repositoryOf(repository)} ${way.key}`;
    const run = this.#underWay.get(key) ?? this.#run(call, repository);
    this.#underWay.set(key, run);
    try {
      return await run;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #run(call: ProviderCall, repository: RepositoryName): Promise<Keyring> {
    const { name, defaultCacheMs } = call.provider;
    const failed = `${name} ${call.way.key}`;
    try {
      const response = await ask(call, repository, this.#options.host);
      const keyring = new Keyring(response.secrets);
      const cacheMs = response.cacheMs ?? defaultCacheMs;
      if (cacheMs > 0) {
        const run = { name, runAs: call.way.key };
        const entry = { keyring, expiresAtMs: this.#options.nowMs() + cacheMs };
        this.#cache.put(run, response.cacheKeyType, repository, entry);
      }
      this.#failures.delete(failed);
      return keyring;
    } catch (error) {
      if (error instanceof AgentError) this.#noteFailure(failed, error);
      throw error;
    }
  }

  #noteFailure(key: string, error: AgentError): void {
    this.#failures.delete(key);
    this.#failures.set(key, { error, untilMs: this.#options.nowMs() + FAILURE_MS });
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined && this.#failures.size > MAX_FAILURES) this.#failures.delete(oldest);
  }
}

async function ask(
  { provider, binDir, way }: ProviderCall,
  repository: RepositoryName,
  host: ProgramHost,
) {
  const what = `credential provider ${provider.name}`;
  const { args, env } = provider;
  const input = encodeProviderRequest(provider, repositoryOf(repository), way.account);
  const maxStdoutBytes = MAX_PROVIDER_RESPONSE_BYTES;
  const path = `${binDir}/${provider.name}`;
  const run = { path, args, env, input, maxStdoutBytes, what };
  const { exitCode, stdout } = await runCredentialProgram(run, host);
  if (exitCode === 0) return parseProviderResponse(stdout, provider, what);
  const fault = `expected exit code 0, found ${exitCode}`;
  throw new AgentError('credential_program_failed', `${what}: ${fault}`);
}
