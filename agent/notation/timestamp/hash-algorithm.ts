// The hash functions that timestamps may use: trust-store-trust-policy.md asks for SHA-256, SHA-384 or SHA-512.
import { AgentError } from '../../errors.ts';
import type { HashAlgorithm } from '../encoding/crypto.ts';
import { DER_TAGS, type DerReader } from '../encoding/der.ts';
import {
  type AlgorithmIdentifier,
  HASHES,
  readAlgorithmIdentifier,
} from '../x509/algorithm-identifier.ts';

/**
 * Reads an AlgorithmIdentifier of a hash function, whose parameters are NULL or absent (RFC 5754
 * section 2). Throws `algorithm_unsupported` for any other, and the reader's code.
 */
export function readHashAlgorithm(reader: DerReader, field: string): HashAlgorithm {
  const identifier = readAlgorithmIdentifier(reader, field);
  const algorithm = HASHES.get(identifier.oid);
  if (algorithm !== undefined && hasNoParameters(identifier)) return algorithm;
  throw new AgentError(
    'algorithm_unsupported',
    `${identifier.what}: expected SHA-256, SHA-384 or SHA-512, found ${algorithm === undefined ? identifier.oid : `${algorithm} with parameters`}`,
  );
}

/** Tells whether parameters are absent or NULL: by algorithm one is right, and both are written. */
export function hasNoParameters({ parameters }: AlgorithmIdentifier): boolean {
  return (
    parameters === undefined ||
    (parameters.tag === DER_TAGS.null && parameters.content.length === 0)
  );
}
