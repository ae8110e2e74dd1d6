// A whole generation of policy and trust, read and validated before a byte of it reaches the host.
import { realpath } from 'node:fs/promises';
import { AgentError } from '../errors.ts';
import type { TrustPolicyDocument } from '../notation/trustpolicy/document.ts';
import {
  trustStoreDirectory,
  type TrustStoreName,
  trustStoreType,
} from '../notation/trustpolicy/trust-store-name.ts';
import { show } from '../oci/show.ts';
import { readPolicyFile, usablePolicy } from './policy-file.ts';
import { readStoreFiles } from './truststore/store-files.ts';
import { parseStoreFile } from './truststore/trust-store.ts';

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
 * Reads a generation. Nothing is returned unless the document is valid, this version can carry it
 * out, and each trust store that it names is there and holds only acceptable certificates. Throws
 * the codes of `loadPolicyFile`, `truststore_missing` or `truststore_invalid`.
 */
export async function readGeneration(
  policyFile: string,
  truststoreDir: string,
): Promise<Generation> {
  const policyBytes = await readPolicyFile(policyFile);
  const policy = usablePolicy(policyBytes);
  const trustFiles: GenerationFile[] = [];
  for (const name of storeNames(policy)) {
    trustFiles.push(...(await readStore(truststoreDir, name)));
  }
  return { policy, policyBytes, trustFiles };
}

/** Every trust store that a document names, once. */
export function storeNames({ statements }: TrustPolicyDocument): ReadonlySet<TrustStoreName> {
  return new Set(statements.flatMap(({ trustStores }) => trustStores));
}

async function readStore(dir: string, name: TrustStoreName): Promise<readonly GenerationFile[]> {
  const files = await readStoreFiles(await resolve(dir, name), name, []);
  if (files.length === 0) throw missing(name, dir);
  for (const { bytes, what } of files) parseStoreFile(bytes, name, what);
  const folder = `x509/${trustStoreType(name)}/${trustStoreDirectory(name)}`;
  return files.map((file) => ({ path: `${folder}/${file.name}`, bytes: file.bytes }));
}

async function resolve(dir: string, name: TrustStoreName): Promise<string> {
  try {
    return await realpath(dir);
  } catch {
    throw missing(name, dir);
  }
}

function missing(name: TrustStoreName, dir: string): AgentError {
  return new AgentError(
    'truststore_missing',
    `trust store ${name} in ${show(dir)}: expected at least one certificate, found none`,
  );
}
