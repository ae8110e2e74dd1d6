// What a bundle is to be made of: names of images, and authorities on time.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../errors.ts';
import { isTrustStoreName } from '../notation/trustpolicy/trust-store-name.ts';
import type { Certificate } from '../notation/x509/certificate.ts';
import { parseReference } from '../oci/reference.ts';
import { loadTrustStores } from '../verifier/truststore/load.ts';

/** Their entries fit an index of 4 MiB. */
const MAX_IMAGES = 5_000;

/** One name a line; what follows a # is left out. Throws `argument_invalid`. */
export async function readList(path: string | undefined): Promise<readonly string[]> {
  if (path === undefined) return [];
  try {
    const lines = (await readFile(path, 'utf8')).split('\n');
    return lines.map((line) => line.replace(/#.*/, '').trim()).filter((name) => name !== '');
  } catch (cause) {
    throw new AgentError('argument_invalid', `--list ${path}: ${String(cause)}`, { cause });
  }
}

/** The certificates of all stores for timestamping authorities. Throws the codes of `loadTrustStores`. */
export async function readAuthorities(
  directory: string | undefined,
): Promise<readonly Certificate[]> {
  if (directory === undefined) return [];
  try {
    const names = await readdir(join(directory, 'x509/tsa'));
    const stores = names.map((name) => `tsa:${name}`).filter(isTrustStoreName);
    const { stores: loaded } = await loadTrustStores(directory, stores);
    return loaded.flatMap(({ certificates }) => certificates);
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    const message = `--truststore ${directory}: ${String(cause)}`;
    throw new AgentError('argument_invalid', message, { cause });
  }
}

/** All of them first: a misspelt name is told before anything is written. */
export function assertNames(names: readonly string[]): void {
  if (names.length === 0 || names.length > MAX_IMAGES) {
    const expected = `expected 1 to ${MAX_IMAGES} images (REF or --list FILE)`;
    throw new AgentError('argument_invalid', `${expected}, found ${names.length}`);
  }
  for (const name of names) {
    try {
      const { tag, digest } = parseReference(name);
      if (tag === undefined && digest === undefined) {
        throw new AgentError('reference_invalid', `${name}: expected a tag or a digest`);
      }
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      throw new AgentError('argument_invalid', error.message, { cause: error });
    }
  }
}
