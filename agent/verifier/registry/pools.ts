// Connections by origin: the only file that loads undici.
import tls from 'node:tls';
import { type Dispatcher, Pool } from 'undici';
import { AgentError } from '../../errors.ts';
import { decodePemCertificates } from '../../notation/encoding/pem.ts';
import { connectByProxy, type Connected, type Destination } from '../proxies/tunnel.ts';
import type { HostConnection } from './hosts/connection.ts';
import type { RegistryLimits } from './limits.ts';

/**
 * Holds at most `limits.origins` origins, and lets the one that was used longest ago go when there
 * are more: redirects name new ones. undici's own Agent is not used, because there a connection
 * that closes behind a request takes the next request's connection with it.
 */
export class Pools {
  readonly #limits: RegistryLimits;
  readonly #ca: string | undefined;
  readonly #connect: ConnectOptions;
  readonly #pools = new Map<string, Pool>();

  /** Opens no connection. Throws `setting_invalid` if `ca` is not PEM. */
  constructor(limits: RegistryLimits, ca: string | undefined) {
    this.#limits = limits;
    this.#ca = ca;
    // The runtime takes any text at all for a bundle, and trusts what it finds in it, if anything.
    if (ca !== undefined) {
      decodePemCertificates(Buffer.from(ca), { what: 'registry CA', code: 'setting_invalid' });
    }
    this.#connect = connectOptions(limits, ca, undefined);
  }

  /** The connections by a route, some of which may be open. Throws `registry_hosts_invalid`. */
  of(route: Route): Dispatcher {
    const { url, connection, proxy } = route;
    const { origin } = isForwarded(url, proxy) ? proxy : url;
    const key = `${origin} ${connection?.id ?? ''} ${proxy?.href ?? ''}`;
    const pool = this.#pools.get(key) ?? new Pool(origin, this.#options(route));
    this.#pools.delete(key);
    this.#pools.set(key, pool);
    const [oldest] = this.#pools;
    if (oldest !== undefined && this.#pools.size > this.#limits.origins) {
      this.#pools.delete(oldest[0]);
      // Not awaited: requests that are under way may end.
      void oldest[1].close();
    }
    return pool;
  }

  #options({ url, connection, proxy }: Route): Pool.Options {
    const limits = this.#limits;
    const connect =
      connection === undefined ? this.#connect : connectOptions(limits, this.#ca, connection);
    return {
      connect: proxy === undefined || isForwarded(url, proxy) ? connect : this.#by(proxy, connect),
      connections: limits.connectionsPerOrigin,
      keepAliveTimeout: limits.keptIdleMs,
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.bodyIdleMs,
      maxHeaderSize: limits.headerBytes,
    };
  }

  #by(proxy: URL, { timeout, ...tls }: ConnectOptions): Connector {
    const { secureContext: proxyContext } = this.#connect;
    return ({ hostname, port }, connected) => {
      connectByProxy(
        proxy,
        { hostname, port },
        { timeoutMs: timeout, tls, proxyContext },
        connected,
      );
    };
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}

interface ConnectOptions {
  readonly timeout: number;
  readonly rejectUnauthorized?: boolean;
  readonly secureContext?: tls.SecureContext;
}

type Connector = (destination: Destination, connected: Connected) => void;

/** Where a request goes, and how. */
export interface Route {
  readonly url: URL;
  readonly connection?: HostConnection | undefined;
  readonly proxy?: URL | undefined;
}

/** Through TLS a proxy passes bytes; without, it is asked for the URL. */
export function isForwarded(url: URL, proxy: URL | undefined): proxy is URL {
  return proxy !== undefined && url.protocol === 'http:';
}

function connectOptions(
  limits: RegistryLimits,
  ca: string | undefined,
  connection: HostConnection | undefined,
): ConnectOptions {
  const timeout = Math.min(connection?.dialTimeoutMs ?? Infinity, limits.connectMs);
  return {
    timeout,
    ...(connection?.skipVerify === true && { rejectUnauthorized: false }),
    ...(hasContext(ca, connection) && { secureContext: secureContext(ca, connection) }),
  };
}

function hasContext(ca: string | undefined, connection: HostConnection | undefined): boolean {
  const { ca: own = '', clientCertificates = [] } = connection ?? {};
  return ca !== undefined || own !== '' || clientCertificates.length > 0;
}

function secureContext(
  ca: string | undefined,
  connection: HostConnection | undefined,
): tls.SecureContext {
  const { ca: own = '', clientCertificates = [] } = connection ?? {};
  try {
    return tls.createSecureContext({
      ca: [...tls.rootCertificates, ...[ca ?? '', own].filter((pem) => pem !== '')],
      cert: clientCertificates.map(({ certificate }) => certificate),
      key: clientCertificates.map(({ key }) => key),
    });
  } catch {
    // Not as the cause: nobody knows what OpenSSL tells of a key.
    throw new AgentError(
      'registry_hosts_invalid',
      'hosts.toml: expected certificates and keys that belong together, found others',
    );
  }
}
