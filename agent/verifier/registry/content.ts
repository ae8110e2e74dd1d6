// Manifests and blobs by descriptor: fetched under a bound, given out only if they are what was asked for.
import { AgentError } from '../../errors.ts';
import { hashHex } from '../../notation/encoding/crypto.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, digestAlgorithm } from '../../oci/digest.ts';
import { pinned } from '../../oci/reference.ts';
import { show } from '../../oci/show.ts';
import type { HttpResponse } from './http.ts';
import type { RepositoryName, Session } from './session.ts';
import { expectSuccess } from './success.ts';

/** The bytes of a manifest or index: digest, size and media type are those of the descriptor. */
export async function fetchManifest(
  session: Session,
  repository: RepositoryName,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const what = `manifest ${pinned(repository, descriptor.digest)}`;
  const { errorBytes, manifestBytes } = session.limits;
  assertSize(descriptor, manifestBytes, what);
  const url = session.urlOf(repository, `manifests/${descriptor.digest}`);
  const accept = [descriptor.mediaType];
  const request = { method: 'GET', operation: 'manifest', what, url, accept } as const;
  const response = await session.request(repository, request, signal);
  await expectSuccess(response, what, errorBytes);
  await expectMediaType(response, descriptor.mediaType, what);
  return readContent(response, descriptor, what);
}

/** The bytes of a blob: digest and size are those of the descriptor. Blobs are served without a type. */
export async function fetchBlob(
  session: Session,
  repository: RepositoryName,
  descriptor: Descriptor,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const what = `blob ${pinned(repository, descriptor.digest)}`;
  assertSize(descriptor, maxBytes, what);
  const url = session.urlOf(repository, `blobs/${descriptor.digest}`);
  const request = { method: 'GET', operation: 'blob', what, url, accept: ['*/*'] } as const;
  const response = await session.request(repository, request, signal);
  await expectSuccess(response, what, session.limits.errorBytes);
  return readContent(response, descriptor, what);
}

/** The media type of a response without its parameters; registries add a character set. */
export function mediaTypeOf(response: HttpResponse): string {
  return (response.header('content-type') ?? '').split(';', 1)[0]?.trim() ?? '';
}

/** Lets the body go and throws `content_mismatch` if the response is of another media type. */
export async function expectMediaType(
  response: HttpResponse,
  mediaType: string,
  what: string,
): Promise<void> {
  const found = mediaTypeOf(response);
  if (found === mediaType) return;
  await response.discard();
  throw mismatch(what, `media type ${show(mediaType)}`, show(found));
}

/** Throws `content_mismatch` unless the bytes have the digest. */
export function assertDigest(bytes: Uint8Array, digest: Digest, what: string): void {
  const algorithm = digestAlgorithm(digest);
  const found = `${algorithm}:${hashHex(algorithm, bytes)}`;
  if (found !== digest) throw mismatch(what, digest, found);
}

function assertSize({ size }: Descriptor, maxBytes: number, what: string): void {
  if (size <= maxBytes) return;
  const fault = `expected at most ${maxBytes} bytes, found a descriptor of ${size}`;
  throw new AgentError('content_too_large', `${what}: ${fault}`);
}

async function readContent(
  response: HttpResponse,
  { digest, size }: Descriptor,
  what: string,
): Promise<Uint8Array> {
  const bytes = await readAtMost(response, size, what);
  if (bytes.length !== size) throw mismatch(what, `${size} bytes`, `${bytes.length}`);
  assertDigest(bytes, digest, what);
  return bytes;
}

async function readAtMost(response: HttpResponse, size: number, what: string): Promise<Uint8Array> {
  try {
    return await response.read(size);
  } catch (error) {
    // The bound was the descriptor's, not ours: what is too large is simply another content.
    const isLonger = error instanceof AgentError && error.code === 'content_too_large';
    throw isLonger ? mismatch(what, `${size} bytes`, 'more') : error;
  }
}

function mismatch(what: string, expected: string, found: string): AgentError {
  return new AgentError('content_mismatch', `${what}: expected ${expected}, found ${found}`);
}
