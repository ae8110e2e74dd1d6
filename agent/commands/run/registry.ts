// Registries as a running agent asks them: over kept connections, by containerd's hosts.toml, with this node's credentials.
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import type { Config } from '../../config.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { createHostReader } from '../../node/host/host-reader.ts';
import type { Proxies } from '../../verifier/evidence/exchange.ts';
import { createHostRegistryClient } from '../../verifier/host-verifier.ts';
import type { RegistryClient } from '../../verifier/registry/client.ts';
import type { HostsPlace } from '../../verifier/registry/hosts/load-hosts.ts';
import { createPooledTransport } from '../../verifier/registry/pooled-transport.ts';
import { registryCa } from '../host-install.ts';
import { Credentials } from './credentials.ts';
import type { FollowedHost } from './followed-host.ts';
import { createProxyOf } from './proxies.ts';
import { RegistryRequests } from './registry-requests.ts';

export interface AgentRegistryParts {
  readonly config: Config;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly host: FollowedHost;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** The client, and what it tells. */
export class AgentRegistry {
  readonly client: RegistryClient;
  /** Where hosts.toml files are. */
  readonly hosts: HostsPlace;
  /** Those that registries are asked by, for what else is outside. */
  readonly proxies: Proxies;
  readonly #requests = new RegistryRequests();
  readonly #credentials: Credentials;

  /** Opens no connection yet. Throws `setting_invalid` if the CA is not PEM. */
  constructor(parts: AgentRegistryParts) {
    const { config, host } = parts;
    const ca = registryCa(config);
    this.#credentials = new Credentials(parts);
    // What is wrong in them is told by who looks after them.
    this.hosts = {
      files: createHostReader(config.hostRoot),
      roots: () => host.now.registryHosts,
    };
    const proxyOf = createProxyOf(parts.environment, () => host.proxyVariables);
    this.proxies = { of: proxyOf, ca };
    this.client = createHostRegistryClient({
      createTransport: createPooledTransport,
      plainHttp: config.registryPlainHttp,
      hosts: this.hosts,
      proxyOf,
      credentials: this.#credentials.source,
      onCredential: this.#credentials.onCredential,
      onRequest: this.#requests.onRequest,
      ...(ca === undefined ? {} : { ca }),
    });
  }

  /** From now on what is asked and taken is counted. */
  countBy(
    metrics: Pick<Metrics, 'observeRegistryRequest' | 'countCredential' | 'countError'>,
  ): void {
    this.#requests.metrics = metrics;
    this.#credentials.metrics = metrics;
  }
}
