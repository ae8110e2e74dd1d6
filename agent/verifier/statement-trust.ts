// The trust stores of one policy statement, each for itself: one that cannot be loaded is no reason to doubt another.
import { AgentError } from '../errors.ts';
import type { TrustStoreName } from '../notation/trustpolicy/trust-store-name.ts';
import type { TrustStore } from '../notation/verification/authenticity.ts';
import type { TrustStores } from './truststore/load.ts';
import { trustHash } from './truststore/trust-store.ts';

/** What a statement trusts. */
export interface StatementTrust {
  readonly stores: readonly TrustStore[];
  /** Null when a store could not be loaded. */
  readonly hash: string | null;
}

/** Asks `load` for each store. What keeps one from being loaded counts only where it is needed. */
export async function loadStatementTrust(
  names: readonly TrustStoreName[],
  load: (names: readonly TrustStoreName[]) => Promise<TrustStores>,
): Promise<StatementTrust> {
  const stores = await Promise.all(names.map((name) => loadStore(name, load)));
  const loaded = stores.flatMap(({ name, certificates }) =>
    certificates instanceof AgentError ? [] : [{ name, certificates }],
  );
  return { stores, hash: loaded.length === stores.length ? trustHash(loaded) : null };
}

async function loadStore(
  name: TrustStoreName,
  load: (names: readonly TrustStoreName[]) => Promise<TrustStores>,
): Promise<TrustStore> {
  try {
    const { stores } = await load([name]);
    return { name, certificates: stores.flatMap(({ certificates }) => certificates) };
  } catch (error) {
    if (error instanceof AgentError) return { name, certificates: error };
    throw error;
  }
}
