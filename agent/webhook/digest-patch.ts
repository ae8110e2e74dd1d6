// The patch that writes beside each tag the digest that was verified: JSON Patch, RFC 6902.
import type { ImageVerdict } from './judgement.ts';

/** One replacement of an image. */
export interface ImagePatch {
  readonly op: 'replace';
  /** JSON Pointer. */
  readonly path: string;
  readonly value: string;
}

/**
 * What was verified is what runs, wherever the tag moves meanwhile. Images that are denied are left: they
 * are for the other path to refuse. So are those that have their digest, and those that nobody resolved,
 * because the policy skips them.
 */
export function digestPatch(verdicts: readonly ImageVerdict[]): readonly ImagePatch[] {
  return verdicts.flatMap(({ image, uses, verdict: { decision, digest } }) => {
    if (decision === 'deny' || digest === null || image.includes('@')) return [];
    return uses.map(({ pointer }) => ({
      op: 'replace' as const,
      path: pointer,
      value: `${image}@${digest}`,
    }));
  });
}
