// Referrers that a registry lists without saying what they are: told apart by their manifests.
import { AgentError } from '../../errors.ts';
import { parseStrictJson } from '../../notation/encoding/json.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { fetchManifest } from './content.ts';
import type { ReferrersQuery } from './referrers-page.ts';
import type { Session } from './session.ts';

/** Each costs a request; an image has fewer referrers, unless somebody floods it with them. */
const MAX_UNTYPED = 16;

/** Signature manifests have less than 4 KiB: larger ones are something else, at worst a large nothing. */
const MAX_BYTES = 64 * 1024;

/**
 * Those of the artifact type, in order. What cannot be fetched or read is left out: it is not known
 * to be of the type. Throws only when `signal` ends it.
 */
export async function findTyped(
  session: Session,
  query: ReferrersQuery,
  untyped: readonly Descriptor[],
  signal: AbortSignal,
): Promise<readonly Descriptor[]> {
  const looked = untyped.filter(({ size }) => size <= MAX_BYTES).slice(0, MAX_UNTYPED);
  const found = await Promise.all(
    looked.map(async (descriptor) => {
      const isTyped = await isOfType(session, query, descriptor, signal);
      return isTyped ? [descriptor] : [];
    }),
  );
  return found.flat();
}

async function isOfType(
  session: Session,
  { repository, artifactType }: ReferrersQuery,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const bytes = await fetchManifest(session, repository, descriptor, signal);
    const what = `manifest ${descriptor.digest}`;
    const value = parseStrictJson(bytes, { what, code: 'manifest_invalid', maxBytes: MAX_BYTES });
    const manifest = parseManifest(value, descriptor.mediaType, what);
    if (manifest.kind === 'index') return false;
    const config = manifest.kind === 'image' ? manifest.config.mediaType : undefined;
    return (manifest.artifactType ?? config) === artifactType;
  } catch (error) {
    if (error instanceof AgentError && !signal.aborted) return false;
    throw error;
  }
}
