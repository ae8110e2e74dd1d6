// The trust policy document from a file.
import { type FileHandle, open } from 'node:fs/promises';
import { AgentError } from '../errors.ts';
import {
  MAX_DOCUMENT_BYTES,
  parseTrustPolicy,
  type TrustPolicyDocument,
} from '../notation/trustpolicy/document.ts';
import { assertSupported } from '../notation/trustpolicy/supported.ts';
import { show } from '../oci/show.ts';

/**
 * Reads the bytes of a trust policy document. Throws `policy_missing` when there is no such file or
 * it cannot be read, `policy_invalid` when it is too large to be one.
 */
export async function readPolicyFile(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r');
    try {
      const bytes = await readUpTo(file, MAX_DOCUMENT_BYTES + 1);
      // One byte more than is allowed tells an oversize file without reading all of it.
      if (bytes.length <= MAX_DOCUMENT_BYTES) return bytes;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new AgentError(
      'policy_missing',
      `trust policy ${show(path)}: expected a readable file, found ${errnoOf(cause)}`,
      { cause },
    );
  }
  throw new AgentError(
    'policy_invalid',
    `trust policy ${show(path)}: expected at most ${MAX_DOCUMENT_BYTES} bytes, found more`,
  );
}

/**
 * Loads a trust policy document that this version can carry out whole. Throws the codes of
 * `readPolicyFile`, `policy_invalid` with all faults, or `policy_unsupported`.
 */
export async function loadPolicyFile(path: string): Promise<TrustPolicyDocument> {
  return usablePolicy(await readPolicyFile(path));
}

/** The same for bytes that have been read already. */
export function usablePolicy(bytes: Uint8Array): TrustPolicyDocument {
  const document = parseTrustPolicy(bytes);
  assertSupported(document);
  return document;
}

/** A pipe gives what it holds at the time, so one read is not enough. */
async function readUpTo(file: FileHandle, maxBytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, maxBytes - length);
    length += bytesRead;
    if (bytesRead === 0 || length === maxBytes) return buffer.subarray(0, length);
  }
}

function errnoOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}
