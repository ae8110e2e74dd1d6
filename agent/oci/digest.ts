// Content digests: OCI image specification, descriptor.md "Digests".
import { AgentError } from '../errors.ts';
import { show } from './show.ts';

/** An algorithm and its lower-case hexadecimal value, e.g. `sha256:ab…`. */
export type Digest = `${DigestAlgorithm}:${string}`;

/** The registered algorithms that are accepted. */
export type DigestAlgorithm = 'sha256' | 'sha512';

const HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

/** Tells whether a string is a digest of a supported algorithm with a value of the right length. */
export function isDigest(text: string): text is Digest {
  const match = /^(sha256|sha512):([0-9a-f]+)$/.exec(text);
  return match !== null && match[2]?.length === HEX_LENGTH[match[1] as DigestAlgorithm];
}

/** Narrows a string to a digest, or throws `digest_invalid` naming `what`. */
export function parseDigest(text: string, what = 'digest'): Digest {
  if (isDigest(text)) return text;
  throw new AgentError(
    'digest_invalid',
    `${what}: expected sha256:<64 hex digits> or sha512:<128 hex digits>, found ${show(text)}`,
  );
}

/** The algorithm of a digest. */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}
