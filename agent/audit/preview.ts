// What another policy would change on a node: each image judged by both, and compared.
import type { Verdict } from '../notation/verification/verdict.ts';
import type { ImageToVerify } from '../verifier/verifier.ts';
import type { NodeImage } from './node-images.ts';

/** Judges as a verifier does; never rejects for anything outside. */
export type Judge = (image: ImageToVerify, signal: AbortSignal) => Promise<Verdict>;

/** How an image's side changes. Without a policy in force there is no side to change from: `no_policy_yet`. */
export type Change = 'would_be_refused' | 'would_be_allowed' | 'none' | 'no_policy_yet';

/** One image under both policies. */
export interface Previewed {
  readonly image: NodeImage;
  readonly change: Change;
  readonly candidate: Verdict;
  /** Null when no policy is in force. */
  readonly current: Verdict | null;
}

export interface PreviewOptions {
  readonly candidate: Judge;
  /** Of the policy in force; null when there is none. */
  readonly current: Judge | null;
  /** Told after each image. */
  readonly onProgress: (done: number, total: number) => void;
}

/** Registries serve a node's pulls meanwhile; four images wait well together and load nobody. */
const CONCURRENCY = 4;

/** Judges every image by both policies. In the order given. Rejects with the signal's reason. */
export async function previewImages(
  images: readonly NodeImage[],
  options: PreviewOptions,
  signal: AbortSignal,
): Promise<readonly Previewed[]> {
  const found = new Map<NodeImage, Previewed>();
  const waiting = images.values();
  const work = async (): Promise<void> => {
    for (const image of waiting) {
      signal.throwIfAborted();
      found.set(image, await previewImage(image, options, signal));
      options.onProgress(found.size, images.length);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return images.flatMap((image) => found.get(image) ?? []);
}

/** Images in use that would be refused if they were pulled again, whatever is so today. */
export function refusedInUse(previewed: readonly Previewed[]): readonly Previewed[] {
  return previewed.filter(
    ({ image, candidate }) => image.use !== 'unused' && candidate.decision === 'deny',
  );
}

async function previewImage(
  image: NodeImage,
  { candidate, current }: PreviewOptions,
  signal: AbortSignal,
): Promise<Previewed> {
  const { name, descriptor } = image;
  // One after the other: what the first has fetched, the second finds.
  const before = current === null ? null : await current({ name, descriptor }, signal);
  const after = await candidate({ name, descriptor }, signal);
  return { image, change: changeOf(before, after), candidate: after, current: before };
}

function changeOf(before: Verdict | null, after: Verdict): Change {
  if (before === null) return 'no_policy_yet';
  if (before.decision === after.decision) return 'none';
  return after.decision === 'deny' ? 'would_be_refused' : 'would_be_allowed';
}
