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
  const colon = text.indexOf(':');
  const algorithm = text.slice(0, colon);
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return false;
  const value = text.slice(colon + 1);
  return value.length === HEX_LENGTH[algorithm] && isHex(value);
}

/**
 * Not by a regular expression, as nothing on the way of a pull: to make one takes longer than all that
 * it matches. Nor digit by digit: an image has a dozen digests, and that was a fiftieth of its time.
 */
function isHex(text: string): boolean {
  return Buffer.from(text, 'hex').toString('hex') === text;
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
