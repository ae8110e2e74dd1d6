// From a reference to the descriptor of what it names: OCI distribution specification, "Checking if
// content exists in the registry".
import { AgentError } from '../../errors.ts';
import { hashHex } from '../../notation/encoding/crypto.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, digestAlgorithm, isDigest } from '../../oci/digest.ts';
import { isManifestMediaType, MANIFEST_MEDIA_TYPES } from '../../oci/media-types.ts';
import { pinned, type Reference, repositoryOf } from '../../oci/reference.ts';
import { show } from '../../oci/show.ts';
import { mediaTypeOf } from './content.ts';
import type { HttpResponse } from './http.ts';
import type { Session } from './session.ts';
import { expectSuccess } from './success.ts';

/** Asks with HEAD; fetches the manifest where the answer lacks digest, size or media type. */
export async function resolve(
  session: Session,
  reference: Reference,
  signal: AbortSignal,
): Promise<Descriptor> {
  const what = `manifest ${nameOf(reference)}`;
  const descriptor =
    (await tryHead(session, reference, what, signal)) ??
    (await describeByGet(session, reference, what, signal));
  return { ...descriptor, digest: assertSame(descriptor.digest, reference.digest, what) };
}

function nameOf(reference: Reference): string {
  if (reference.digest !== undefined) return pinned(reference, reference.digest);
  if (reference.tag !== undefined) return `${repositoryOf(reference)}:${reference.tag}`;
  throw new AgentError(
    'reference_invalid',
    `image reference ${repositoryOf(reference)}: expected a tag or a digest, found neither`,
  );
}

async function tryHead(
  session: Session,
  reference: Reference,
  what: string,
  signal: AbortSignal,
): Promise<Descriptor | undefined> {
  const response = await ask(session, reference, 'HEAD', what, signal);
  // Nothing but the method is wrong.
  if (response.status !== 405) await expectSuccess(response, what, session.limits.errorBytes);
  await response.discard();
  const mediaType = mediaTypeOf(response);
  // A registry that answers for a digest without repeating it has found it all the same.
  const digest = response.header('docker-content-digest') ?? reference.digest;
  const length = response.header('content-length') ?? '';
  if (digest === undefined || !isDigest(digest) || !isManifestMediaType(mediaType))
    return undefined;
  // Some answer HEAD with a length of zero.
  return /^[1-9]\d{0,14}$/.test(length) ? { mediaType, digest, size: Number(length) } : undefined;
}

async function describeByGet(
  session: Session,
  reference: Reference,
  what: string,
  signal: AbortSignal,
): Promise<Descriptor> {
  const response = await ask(session, reference, 'GET', what, signal);
  await expectSuccess(response, what, session.limits.errorBytes);
  const bytes = await response.read(session.limits.manifestBytes);
  const mediaType = mediaTypeOf(response);
  if (!isManifestMediaType(mediaType)) {
    const fault = `expected the media type of a manifest or index, found ${show(mediaType)}`;
    throw new AgentError('manifest_invalid', `${what}: ${fault}`);
  }
  const stated = reference.digest ?? response.header('docker-content-digest') ?? '';
  const algorithm = isDigest(stated) ? digestAlgorithm(stated) : 'sha256';
  const digest: Digest = `${algorithm}:${hashHex(algorithm, bytes)}`;
  assertSame(digest, stated === '' ? undefined : stated, what);
  return { mediaType, digest, size: bytes.length };
}

function ask(
  session: Session,
  reference: Reference,
  method: 'GET' | 'HEAD',
  what: string,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const url = session.urlOf(reference, `manifests/${reference.digest ?? reference.tag ?? ''}`);
  const request = {
    method,
    operation: 'resolve',
    what,
    url,
    accept: MANIFEST_MEDIA_TYPES,
  } as const;
  return session.request(reference, request, signal);
}

function assertSame(found: Digest, expected: string | undefined, what: string): Digest {
  if (expected === undefined || found === expected) return found;
  const fault = `expected ${show(expected)}, found ${show(found)}`;
  throw new AgentError('content_mismatch', `${what}: ${fault}`);
}
