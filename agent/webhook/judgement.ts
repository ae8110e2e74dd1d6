// The verdicts on the images of one review: each image once, several at a time, all within one deadline.
import { withDeadline } from '../deadline.ts';
import type { Verdict } from '../notation/verification/verdict.ts';
import { wholeImageName } from './image-name.ts';
import type { ImageUse } from './workload.ts';

/** Decides on one image by its whole name. A verdict whatever goes wrong outside, also when the signal ends it. */
export type VerifyImage = (name: string, signal: AbortSignal) => Promise<Verdict>;

/** An image, where it is named, and what is to be thought of it. */
export interface ImageVerdict {
  /** As it is written, and as kubelet will ask for it. */
  readonly image: string;
  readonly name: string;
  /** At least one. */
  readonly uses: readonly ImageUse[];
  readonly verdict: Verdict;
}

/** Few pods have more images; those of one that does must not push aside other reviews. */
const AT_ONCE = 8;

/**
 * The verdicts, in the order in which the images are first named. What is not decided within
 * `deadlineMs` is denied with `deadline_exceeded`. Rejects only for a fault in nodeseal itself.
 */
export async function judgeImages(
  uses: readonly ImageUse[],
  verify: VerifyImage,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<readonly ImageVerdict[]> {
  const images = distinctImages(uses);
  const verdicts: ImageVerdict[] = [];
  const next = images.entries();
  await withDeadline(signal, deadlineMs, async (within) => {
    const work = async (): Promise<void> => {
      // All take from the one iterator.
      for (const [index, image] of next) {
        verdicts[index] = { ...image, verdict: await verify(image.name, within) };
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, images.length) }, work));
  });
  return verdicts;
}

function distinctImages(uses: readonly ImageUse[]): readonly Omit<ImageVerdict, 'verdict'>[] {
  const byImage = Map.groupBy(uses, ({ image }) => image);
  return [...byImage].map(([image, own]) => ({ image, name: wholeImageName(image), uses: own }));
}
