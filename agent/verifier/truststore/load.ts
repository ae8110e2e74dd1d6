// Trust stores from a directory: trust-store-trust-policy.md, "Trust Store".
import { realpathSync } from 'node:fs';
import { AgentError } from '../../errors.ts';
import {
  isTrustStoreName,
  type TrustStoreName,
} from '../../notation/trustpolicy/trust-store-name.ts';
import type { Certificate } from '../../notation/x509/certificate.ts';
import { show } from '../../oci/show.ts';
import { readStoreFiles, type StoreFile } from './store-files.ts';
import { parseStoreFile, trustHash, type TrustStore } from './trust-store.ts';

/** Trust as it was read at one moment. */
export interface TrustStores {
  /** One for each name that was asked for. */
  readonly stores: readonly TrustStore[];
  /** SHA-256 (hex) of what is trusted and by which store; see `trustHash`. */
  readonly hash: string;
  /** What was ignored; one sentence each. */
  readonly warnings: readonly string[];
}

/** Every store is parsed on each pull without the agent; bundles of all public CAs hold 150. */
export const MAX_STORE_CERTIFICATES = 1000;

/**
 * Loads trust stores from `rootDir`, the folder that holds `x509/{ca,signingAuthority,tsa}/NAME/`,
 * which may be or hold ConfigMap or Secret volumes. All or nothing: one bad file refuses them all.
 * Throws `truststore_missing` for a store that does not exist or is empty, and `truststore_invalid`
 * naming store, file and reason.
 */
export function loadTrustStores(
  rootDir: string,
  names: readonly TrustStoreName[],
): Promise<TrustStores> {
  return new Promise((resolve) => {
    resolve(readTrustStores(rootDir, names));
  });
}

function readTrustStores(rootDir: string, names: readonly TrustStoreName[]): TrustStores {
  const root = resolveRoot(rootDir);
  const warnings: string[] = [];
  const stores: TrustStore[] = [];
  for (const name of new Set(names)) {
    stores.push({ name, certificates: loadStore(root, name, warnings) });
  }
  return { stores, hash: trustHash(stores), warnings };
}

/** Resolved once, so that a swap of the root between two stores cannot mix two generations. */
export function resolveRoot(rootDir: string): string {
  try {
    return realpathSync(rootDir);
  } catch (cause) {
    throw new AgentError(
      'truststore_missing',
      `trust store directory ${show(rootDir)}: expected a directory that holds x509/, found none`,
      { cause },
    );
  }
}

function loadStore(root: string, name: TrustStoreName, warnings: string[]): readonly Certificate[] {
  // Names come from a policy that was parsed, but a path is made of them here.
  if (!isTrustStoreName(name)) {
    throw new AgentError(
      'truststore_invalid',
      `trust store ${show(name)}: expected ca:NAME, signingAuthority:NAME or tsa:NAME`,
    );
  }
  return parseStore(readStoreFiles(root, name, warnings), name);
}

/** The certificates of a store's files, held to the same rules wherever the files come from. */
export function parseStore(
  files: readonly StoreFile[],
  name: TrustStoreName,
): readonly Certificate[] {
  const certificates: Certificate[] = [];
  for (const { bytes, what } of files) {
    certificates.push(...parseStoreFile(bytes, name, what));
    if (certificates.length <= MAX_STORE_CERTIFICATES) continue;
    throw new AgentError(
      'truststore_invalid',
      `trust store ${name}: expected at most ${MAX_STORE_CERTIFICATES} certificates, found more`,
    );
  }
  if (certificates.length > 0) return certificates;
  throw new AgentError(
    'truststore_missing',
    `trust store ${name}: expected at least one certificate, found none`,
  );
}
