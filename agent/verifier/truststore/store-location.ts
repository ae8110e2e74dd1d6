// Where the files of trust stores really are, without leaving the root that all stores are in.
import { opendirSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { AgentError } from '../../errors.ts';
import {
  isTrustStoreName,
  trustStoreDirectory,
  type TrustStoreName,
  trustStoreType,
} from '../../notation/trustpolicy/trust-store-name.ts';
import { show } from '../../oci/show.ts';
import { attempt, invalid } from './store-fault.ts';

/** One entry of a store's directory. */
export interface StoreEntry {
  /** Its name in the store. */
  readonly name: string;
  /** Names store and file in messages. */
  readonly what: string;
  /** Its real path, which is inside the root. */
  readonly path: string;
}

/** A trust store's directory as it was listed at one moment. */
export interface StoreLocation {
  readonly name: TrustStoreName;
  /** In order of their names. */
  readonly entries: readonly StoreEntry[];
}

/** The largest bundles have a few hundred files; a directory with more is not a trust store. */
export const MAX_STORE_ENTRIES = 1000;

/**
 * Finds what trust stores hold. Links are followed, because ConfigMap and Secret volumes are made of
 * them, but only to places inside the real path of `rootDir`: a link in a store must not make what
 * lies elsewhere on the host a matter of trust. Throws `truststore_missing` or `truststore_invalid`.
 */
export function locateStores(
  rootDir: string,
  names: readonly TrustStoreName[],
): readonly StoreLocation[] {
  const root = resolveRoot(rootDir);
  return names.map((name) => locateStore(root, name));
}

function resolveRoot(rootDir: string): string {
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

function locateStore(root: string, name: TrustStoreName): StoreLocation {
  // Names come from a policy that was parsed, but a path is made of them here.
  if (!isTrustStoreName(name)) {
    throw invalid(`trust store ${show(name)}`, 'ca:NAME, signingAuthority:NAME or tsa:NAME');
  }
  const what = `trust store ${name}`;
  const directory = resolveInside(
    root,
    join(root, 'x509', trustStoreType(name), trustStoreDirectory(name)),
    what,
    'truststore_missing',
  );
  const entries = listEntries(directory, what).map((entry) => {
    const file = `${what}, file ${show(entry)}`;
    const path = resolveInside(root, join(directory, entry), file, 'truststore_invalid');
    return { name: entry, what: file, path };
  });
  return { name, entries };
}

/** The real path of `path`, if that is inside `root`. */
function resolveInside(
  root: string,
  path: string,
  what: string,
  whenAbsent: 'truststore_missing' | 'truststore_invalid',
): string {
  const real = attempt(what, () => realpathSync(path), whenAbsent);
  const inside = relative(root, real);
  if (inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)) return real;
  throw invalid(what, `a place inside ${show(root)}`, show(real));
}

function listEntries(directory: string, what: string): readonly string[] {
  return attempt(what, () => {
    const names: string[] = [];
    const entries = opendirSync(directory);
    try {
      for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
        if (names.push(entry.name) > MAX_STORE_ENTRIES) {
          throw invalid(what, `at most ${MAX_STORE_ENTRIES} files`, 'more');
        }
      }
    } finally {
      entries.closeSync();
    }
    return names.sort();
  });
}
