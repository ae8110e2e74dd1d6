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

/**
 * Asks `load` for all stores together, so that they are of one moment. If one keeps them from being
 * loaded they are asked for one by one: what is wrong with it counts only where it is needed.
 */
export async function loadStatementTrust(
  names: readonly TrustStoreName[],
  load: (names: readonly TrustStoreName[]) => Promise<TrustStores>,
): Promise<StatementTrust> {
  const together = await caught(load(names));
  if (!(together instanceof AgentError)) return together;
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
  const alone = await caught(load([name]));
  if (alone instanceof AgentError) return { name, certificates: alone };
  return { name, certificates: alone.stores.flatMap(({ certificates }) => certificates) };
}

async function caught<T>(promise: Promise<T>): Promise<T | AgentError> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}
