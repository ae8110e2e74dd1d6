// A whole generation of policy and trust, read and validated before a byte of it reaches the host.
import { parseTrustPolicy, type TrustPolicyDocument } from '../notation/trustpolicy/document.ts';
import {
  trustStoreDirectory,
  type TrustStoreName,
  trustStoreType,
} from '../notation/trustpolicy/trust-store-name.ts';
import { readPolicyFile } from './policy-file.ts';
import { parseStore } from './truststore/load.ts';
import { readStores, type StoreReading } from './truststore/store-files.ts';

/** One certificate file, by its path below the trust store directory. */
export interface GenerationFile {
  /** `x509/{ca,signingAuthority,tsa}/NAME/FILE`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Policy and trust that fit together. */
export interface Generation {
  readonly policy: TrustPolicyDocument;
  readonly policyBytes: Uint8Array;
  /** The files of every trust store that the policy names; others would be of no use. */
  readonly trustFiles: readonly GenerationFile[];
}

/**
 * Reads a generation. Nothing is returned unless the document is valid and each trust store that it
 * names is there and holds only acceptable certificates. Throws the codes of `loadPolicyFile`,
 * `truststore_missing` or `truststore_invalid`.
 */
export async function readGeneration(
  policyFile: string,
  truststoreDir: string,
): Promise<Generation> {
  const policyBytes = await readPolicyFile(policyFile);
  const policy = parseTrustPolicy(policyBytes);
  const trustFiles = readStores(truststoreDir, [...storeNames(policy)]).flatMap(checkedFiles);
  return { policy, policyBytes, trustFiles };
}

/** Every trust store that a document names, once. */
export function storeNames({ statements }: TrustPolicyDocument): ReadonlySet<TrustStoreName> {
  return new Set(statements.flatMap(({ trustStores }) => trustStores));
}

function checkedFiles({ name, files }: StoreReading): readonly GenerationFile[] {
  // Refused by the same rules by which the host would refuse it.
  parseStore(files, name);
  const folder = `x509/${trustStoreType(name)}/${trustStoreDirectory(name)}`;
  return files.map((file) => ({ path: `${folder}/${file.name}`, bytes: file.bytes }));
}
