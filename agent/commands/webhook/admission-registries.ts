// Registries as the webhook asks them: with the secrets of the pod under review, where it may read those, and then its own.
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import type { Config } from '../../config.ts';
import type { WebhookMetrics } from '../../metrics/webhook-metrics.ts';
import type { ApiClientOptions } from '../../node/kubernetes/api-client.ts';
import { parseApiServer } from '../../node/kubernetes/in-cluster.ts';
import { createHostRegistryClient } from '../../verifier/host-verifier.ts';
import type { ProxyOf } from '../../verifier/proxies/rules.ts';
import type { RegistryClient } from '../../verifier/registry/client.ts';
import type { CredentialSource } from '../../verifier/registry/credentials/credential.ts';
import { OWN_FILES } from '../../verifier/registry/hosts/host-files.ts';
import type { HostsPlace } from '../../verifier/registry/hosts/load-hosts.ts';
import { createPooledTransport } from '../../verifier/registry/pooled-transport.ts';
import type { PullIdentity } from '../../webhook/pull-identity.ts';
import { registryCa } from '../host-install.ts';
import { Credentials } from '../run/credentials.ts';
import { podSecrets } from './pod-secrets.ts';

export interface AdmissionRegistriesParts {
  readonly config: Config;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly serviceAccountDir: string;
  readonly proxyOf: ProxyOf;
  readonly metrics: WebhookMetrics;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  readonly clock: Clock;
}

/** Makes clients. */
export class AdmissionRegistries {
  /** Where hosts.toml files are. */
  readonly hosts: HostsPlace;
  readonly #parts: AdmissionRegistriesParts;
  readonly #credentials: Credentials;
  readonly #ca: string | undefined;
  readonly #api: ApiClientOptions | undefined;

  /**
   * Throws `setting_invalid` if the CA cannot be read, and `kubernetes_failed` where secrets are to be
   * read and the environment names no API server.
   */
  constructor(parts: AdmissionRegistriesParts) {
    const { config, environment, serviceAccountDir } = parts;
    this.#parts = parts;
    const asksApi = config.pullSecrets === 'on';
    this.#api = asksApi ? { server: parseApiServer(environment), serviceAccountDir } : undefined;
    this.#ca = registryCa(config);
    this.hosts = { files: OWN_FILES, roots: () => config.registryHosts ?? [] };
    this.#credentials = new Credentials(parts);
    this.#credentials.metrics = parts.metrics;
  }

  /** See `AdmissionVerifiersParts`. Throws `setting_invalid` if the CA is not PEM. */
  readonly open = (identity: PullIdentity | undefined): RegistryClient => {
    const { config, proxyOf, metrics } = this.#parts;
    return createHostRegistryClient({
      createTransport: createPooledTransport,
      plainHttp: config.registryPlainHttp,
      hosts: this.hosts,
      proxyOf,
      onRequest: ({ registry, status, durationMs }) => {
        metrics.observeRegistryRequest(registry, status, durationMs / 1000);
      },
      credentials: this.#sourceFor(identity),
      onCredential: this.#credentials.onCredential,
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
    });
  };

  #sourceFor(identity: PullIdentity | undefined): CredentialSource {
    const { source: own, onFault } = this.#credentials;
    const api = this.#api;
    if (identity === undefined || api === undefined) return own;
    const { clock } = this.#parts;
    const nowMs = () => clock.now().getTime();
    const ofPod = podSecrets(identity, { api, nowMs, onFault });
    return async (repository) => {
      const found = await Promise.all([ofPod(repository), own(repository)]);
      return found.flat();
    };
  }
}
