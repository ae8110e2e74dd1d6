// The inventory as one list: every image on the node with what runs it, those first that need somebody to look.
import type { Digest } from '../oci/digest.ts';
import type { LedgerContainer } from './container.ts';
import { runs } from './image-counts.ts';
import {
  IMAGE_STATES,
  type ImageCause,
  type ImageState,
  lastVerdict,
  type RecordedVerdict,
} from './image-state.ts';
import type { Arrival } from './image-arrival.ts';
import type { Ledger } from './ledger.ts';

/** One image. */
export interface ListedImage {
  /** '' where no name has one; null where only a container tells of the image. */
  readonly repository: string | null;
  readonly digest: Digest | null;
  /** containerd's records that name it; for what only a container tells of, what its pod asks for. */
  readonly names: readonly string[];
  readonly state: ImageState;
  readonly cause: ImageCause;
  readonly arrival: Arrival;
  /** Null where nothing tells. */
  readonly since: Date | null;
  readonly firstSeen: Date | null;
  /** When a signature was good last; null when none was, or something else is known since. */
  readonly verifiedAt: Date | null;
  /** The last by which somebody looked; null when nobody has. */
  readonly verdict: RecordedVerdict | null;
  readonly containers: readonly LedgerContainer[];
}

/** What is known of a node at one moment. */
export interface InventoryList {
  readonly images: readonly ListedImage[];
  /** When containerd's images were last listed; null: never. What has changed since came by events. */
  readonly listedAt: Date | null;
}

/** Reads it, sorted. Throws `ledger_failed`. */
export function listInventory(
  ledger: Pick<Ledger, 'atOneMoment' | 'eachImage' | 'containers' | 'moment'>,
): InventoryList {
  return ledger.atOneMoment(() => {
    const containers = ledger.containers.all();
    const byDigest = Map.groupBy(containers, ({ digest }) => digest);
    const told = new Set<LedgerContainer>();
    const images = [...ledger.eachImage()].map((image): ListedImage => {
      const { repository, digest, names, state, cause, arrival, since, firstSeen, verifiedAt } =
        image;
      const own = (byDigest.get(digest) ?? []).filter((container) => runs(container, image));
      for (const container of own) told.add(container);
      return {
        ...{ repository, digest, names, state, cause, arrival, since, firstSeen, verifiedAt },
        verdict: lastVerdict(image),
        containers: own,
      };
    });
    const untold = containers.filter((container) => !told.has(container));
    const all = [...images, ...unknownImages(untold)];
    return { images: all.sort(compare), listedAt: ledger.moment('images_listed') };
  });
}

/** What runs although no record of its image was ever seen. */
function unknownImages(containers: readonly LedgerContainer[]): readonly ListedImage[] {
  const byImage = Map.groupBy(containers, ({ digest, asked }) => digest ?? asked);
  return [...byImage.values()].map((own) => ({
    ...{ repository: null, digest: own[0]?.digest ?? null, names: [own[0]?.asked ?? ''] },
    ...{ state: 'unverified', cause: 'no-record', arrival: 'no-record' },
    ...{ since: null, firstSeen: null, verifiedAt: null, verdict: null, containers: own },
  }));
}

/** Whether somebody should look: all but what is verified, or what the policy asks no signature of. */
export function needsLook({ state, cause }: Pick<ListedImage, 'state' | 'cause'>): boolean {
  return state !== 'verified' && cause !== 'skipped-by-policy';
}

function compare(a: ListedImage, b: ListedImage): number {
  return (
    rankOf(a) - rankOf(b) ||
    Number(b.containers.length > 0) - Number(a.containers.length > 0) ||
    compareText(nameOf(a), nameOf(b))
  );
}

function rankOf(image: ListedImage): number {
  const rank = IMAGE_STATES.indexOf(image.state);
  if (image.state === 'verified') return rank;
  // Between what somebody should look at and what is verified.
  return needsLook(image) ? rank : IMAGE_STATES.length - 1.5;
}

function nameOf({ repository, names, digest }: ListedImage): string {
  return `${repository ?? ''} ${names.join(' ')} ${digest ?? ''}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
