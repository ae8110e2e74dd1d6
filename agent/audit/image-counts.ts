// The inventory in numbers: images by state and cause, and running containers by the state of their image.
import type { LedgerContainer } from './container.ts';
import { IMAGE_STATES, type ImageCause, type ImageState } from './image-state.ts';
import type { LedgerImage } from './image-table.ts';
import type { Ledger } from './ledger.ts';

export interface ImageCount {
  readonly state: ImageState;
  readonly cause: ImageCause;
  readonly count: number;
}

export interface ContainerCount {
  readonly state: ImageState;
  readonly count: number;
}

export interface InventoryCounts {
  readonly images: readonly ImageCount[];
  readonly containers: readonly ContainerCount[];
}

/** Whether a container runs an image: of several with its content, it may be each. */
export function runs(
  { repository, digest }: Pick<LedgerContainer, 'repository' | 'digest'>,
  image: Pick<LedgerImage, 'repository' | 'digest'>,
): boolean {
  return digest === image.digest && (repository === null || repository === image.repository);
}

/**
 * Counts each image and each container once. A container that may run several images counts for the
 * one that most needs looking at; one whose image nobody has seen is `unverified`.
 */
export function countInventory(
  images: Iterable<LedgerImage>,
  containers: readonly LedgerContainer[],
): InventoryCounts {
  const byDigest = Map.groupBy(containers, ({ digest }) => digest);
  const counts = new Map<string, ImageCount>();
  const states = new Map<LedgerContainer, ImageState>();
  for (const image of images) {
    const { state, cause } = image;
    const key = `${state} ${cause}`;
    counts.set(key, { state, cause, count: (counts.get(key)?.count ?? 0) + 1 });
    for (const container of byDigest.get(image.digest) ?? []) {
      if (runs(container, image)) states.set(container, worse(states.get(container), state));
    }
  }
  const byState = Map.groupBy(containers, (container) => states.get(container) ?? 'unverified');
  return {
    images: [...counts.values()],
    containers: [...byState].map(([state, { length }]) => ({ state, count: length })),
  };
}

/**
 * The counts of a ledger, made anew only once something was written: they are asked for with each
 * scrape, and a thousand images keep the event loop for 30 ms. Throws `ledger_failed`.
 */
export function inventoryCounter(
  ledger: Pick<Ledger, 'changes' | 'eachImage' | 'containers'>,
): () => InventoryCounts {
  let known: { readonly changes: number; readonly counts: InventoryCounts } | undefined;
  return () => {
    const { changes } = ledger;
    if (known?.changes !== changes) {
      known = { changes, counts: countInventory(ledger.eachImage(), ledger.containers.all()) };
    }
    return known.counts;
  };
}

function worse(before: ImageState | undefined, state: ImageState): ImageState {
  if (before === undefined) return state;
  return IMAGE_STATES.indexOf(state) < IMAGE_STATES.indexOf(before) ? state : before;
}
