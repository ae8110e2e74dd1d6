// Connections by origin: the only file that loads undici.
import tls from 'node:tls';
import { type Dispatcher, Pool } from 'undici';
import { AgentError } from '../../errors.ts';
import { decodePemCertificates } from '../../notation/encoding/pem.ts';
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

  /** The connections to an origin, some of which may be open. Throws `registry_hosts_invalid`. */
  of(origin: string, connection?: HostConnection): Dispatcher {
    const key = `${origin} ${connection?.id ?? ''}`;
    const pool = this.#pools.get(key) ?? new Pool(origin, this.#options(connection));
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

  #options(connection: HostConnection | undefined): Pool.Options {
    const limits = this.#limits;
    return {
      connect:
        connection === undefined ? this.#connect : connectOptions(limits, this.#ca, connection),
      connections: limits.connectionsPerOrigin,
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.bodyIdleMs,
      maxHeaderSize: limits.headerBytes,
    };
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}

type ConnectOptions = Extract<Pool.Options['connect'], { timeout?: unknown }>;

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
