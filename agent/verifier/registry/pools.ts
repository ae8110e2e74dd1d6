// Connections by origin: the only file that loads undici.
import tls from 'node:tls';
import { type Dispatcher, Pool } from 'undici';
import { decodePemCertificates } from '../../notation/encoding/pem.ts';
import type { RegistryLimits } from './limits.ts';

/**
 * Holds at most `limits.origins` origins, and lets the one that was used longest ago go when there
 * are more: redirects name new ones. undici's own Agent is not used, because there a connection
 * that closes behind a request takes the next request's connection with it.
 */
export class Pools {
  readonly #limits: RegistryLimits;
  readonly #options: Pool.Options;
  readonly #pools = new Map<string, Pool>();

  /** Opens no connection. Throws `setting_invalid` if `ca` is not PEM. */
  constructor(limits: RegistryLimits, ca: string | undefined) {
    this.#limits = limits;
    this.#options = {
      connect: {
        timeout: limits.connectMs,
        ...(ca === undefined ? {} : { secureContext: trusting(ca) }),
      },
      connections: limits.connectionsPerOrigin,
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.bodyIdleMs,
      maxHeaderSize: limits.headerBytes,
    };
  }

  /** The connections to an origin, some of which may be open. */
  of(origin: string): Dispatcher {
    const pool = this.#pools.get(origin) ?? new Pool(origin, this.#options);
    this.#pools.delete(origin);
    this.#pools.set(origin, pool);
    const [oldest] = this.#pools;
    if (oldest !== undefined && this.#pools.size > this.#limits.origins) {
      this.#pools.delete(oldest[0]);
      // Not awaited: requests that are under way may end.
      void oldest[1].close();
    }
    return pool;
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}

function trusting(ca: string): tls.SecureContext {
  // The runtime takes any text at all for a bundle, and trusts what it finds in it, if anything.
  decodePemCertificates(Buffer.from(ca), { what: 'registry CA', code: 'setting_invalid' });
  return tls.createSecureContext({ ca: [...tls.rootCertificates, ca] });
}
