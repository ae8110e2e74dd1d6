// The trust policy document from a file.
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  readSync,
  statSync,
} from 'node:fs';
import { AgentError } from '../errors.ts';
import {
  MAX_DOCUMENT_BYTES,
  parseTrustPolicy,
  type TrustPolicyDocument,
} from '../notation/trustpolicy/document.ts';
import { show } from '../oci/show.ts';

/**
 * Reads the bytes of a trust policy document. Throws `policy_missing` when there is no such file or
 * it cannot be read, `policy_invalid` when it is too large to be one.
 */
export async function readPolicyFile(path: string): Promise<Buffer> {
  const bytes = await attempt(path, () => readRegular(path) ?? readStream(path));
  if (bytes.length <= MAX_DOCUMENT_BYTES) return bytes;
  throw new AgentError(
    'policy_invalid',
    `trust policy ${show(path)}: expected at most ${MAX_DOCUMENT_BYTES} bytes, found more`,
  );
}

/**
 * Loads a trust policy document. Throws the codes of `readPolicyFile`, or `policy_invalid` with all
 * faults.
 */
export async function loadPolicyFile(path: string): Promise<TrustPolicyDocument> {
  return parseTrustPolicy(await readPolicyFile(path));
}

/** One byte more than is allowed tells an oversize file without reading all of it. */
const MAX_READ_BYTES = MAX_DOCUMENT_BYTES + 1;

/**
 * A regular file, without giving way: that blocks for microseconds, while the thread pool's way to it
 * costs a pull without the agent more than a millisecond. Null for anything else, which could block
 * for ever.
 */
function readRegular(path: string): Buffer | null {
  // Asked before it is opened: opening a pipe and leaving it would break its writer.
  if (!statSync(path).isFile()) return null;
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(file).size, MAX_READ_BYTES));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(file);
  }
}

/** A pipe gives what it holds at the time, so it is read until its writer is done. */
async function readStream(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const stream = createReadStream(path, { end: MAX_READ_BYTES - 1 });
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function attempt<T>(path: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    // A fault of ours has no code of the system, and must not pass for a missing file.
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    throw new AgentError(
      'policy_missing',
      `trust policy ${show(path)}: expected a readable file, found ${String(cause.code)}`,
      { cause },
    );
  }
}
