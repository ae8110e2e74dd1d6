// The images of the node by kind, as the metric wants them.
import type { LedgerImage } from '../../audit/image-table.ts';
import type { ImageCount } from '../../metrics/sources.ts';

/** Counts images by state and arrival. */
export function countImages(images: Iterable<LedgerImage>): readonly ImageCount[] {
  const counts = new Map<string, ImageCount>();
  for (const { state, judged } of images) {
    const arrival = judged ? 'judged' : 'unjudged';
    const key = `${state} ${arrival}`;
    counts.set(key, { state, arrival, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
