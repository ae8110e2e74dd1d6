// Which image a record of containerd is about.
import { AgentError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { parseReference, repositoryOf } from '../oci/reference.ts';

/** A record of containerd's image store; `name` is any text that whoever made it chose. */
export interface ImageRecord {
  readonly name: string;
  readonly target: Descriptor;
  /** When it was made; null or absent when it does not say. */
  readonly createdAt?: Date | null;
  /** When it was last changed, by whatever. */
  readonly updatedAt?: Date | null;
}

/** One image as policy sees it: the same content in two repositories is two images. */
export interface ImageKey {
  /** `registry/repository`; '' when the name has none. */
  readonly repository: string;
  /** Top-level digest: the index of a multi-platform image. */
  readonly digest: Digest;
}

/**
 * The image that a record is about. The records `repo:tag` and `repo@sha256:…` of one image share a
 * key; `sha256:<config>`, and any name that is not a reference, have no repository.
 */
export function imageKeyOf({ name, target }: ImageRecord): ImageKey {
  return { repository: repositoryIn(name), digest: target.digest };
}

function repositoryIn(name: string): string {
  try {
    return repositoryOf(parseReference(name));
  } catch (error) {
    if (error instanceof AgentError) return '';
    throw error;
  }
}
