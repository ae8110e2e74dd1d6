// The pieces of a response body, gathered under a bound.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';

/** What is asked of a body. */
export interface BodyTerms {
  /** Of the header `content-encoding`, if there was one. */
  readonly encoding: string | undefined;
  readonly maxBytes: number;
  /** The object that was asked for, as errors name it. */
  readonly what: string;
}

/** Reading this much of a body that is not wanted costs less than a new connection. */
export const MAX_DISCARDED_BYTES = 16 * 1024;

/**
 * The whole body; reads no further than to the first piece beyond `maxBytes`. Throws
 * `content_too_large`, `content_mismatch` if it is compressed, and what `pieces` throws.
 */
export async function gatherBody(
  pieces: AsyncIterable<Uint8Array>,
  terms: BodyTerms,
): Promise<Uint8Array> {
  const gathered: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    assertTerms(size, terms);
    gathered.push(piece);
  }
  return Buffer.concat(gathered, size);
}

/** Throws what `gatherBody` throws of a body that has come to `size` bytes. */
export function assertTerms(
  size: number,
  { encoding = 'identity', maxBytes, what }: BodyTerms,
): void {
  if (encoding.toLowerCase() !== 'identity') {
    const fault = `expected no content encoding, found ${show(encoding)}`;
    throw new AgentError('content_mismatch', `${what}: ${fault}`);
  }
  if (size > maxBytes) {
    const fault = `expected at most ${maxBytes} bytes, found more`;
    throw new AgentError('content_too_large', `${what}: ${fault}`);
  }
}
