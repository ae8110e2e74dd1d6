// Trust stores from a directory: trust-store-trust-policy.md, "Trust Store".
import { AgentError } from '../../errors.ts';
import type { TrustStoreName } from '../../notation/trustpolicy/trust-store-name.ts';
import type { Certificate } from '../../notation/x509/certificate.ts';
import { readStores, type StoreFile } from './store-files.ts';
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
    const readings = readStores(rootDir, [...new Set(names)]);
    const stores = readings.map(({ name, files }) => ({
      name,
      certificates: parseStore(files, name),
    }));
    const warnings = readings.flatMap((reading) => reading.warnings);
    resolve({ stores, hash: trustHash(stores), warnings });
  });
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
