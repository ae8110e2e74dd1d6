// The images of a node, each once, those first that it can least do without. Pure.
import type { Descriptor } from '../oci/descriptor.ts';
import { type ImageKey, imageKeyOf, type ImageRecord } from './image-key.ts';

/**
 * What an image is to the node. `pause`: pinned by containerd, because no pod starts without it.
 * `agent`: a container named like ours runs it. `running`: any other container does.
 */
export const IMAGE_USES = ['pause', 'agent', 'running', 'unused'] as const;
export type ImageUse = (typeof IMAGE_USES)[number];

/** A record of containerd, with the labels that CRI puts on it. */
export interface LabelledRecord extends ImageRecord {
  readonly labels: ReadonlyMap<string, string>;
}

/** A container that has not ended. */
export interface RunningContainer {
  readonly name: string;
  /** Names of records. */
  readonly images: readonly string[];
}

/** One image, however many records name it. */
export interface NodeImage extends ImageKey {
  /** To verify it by: `repository@digest`, or a record's name when there is no repository. */
  readonly name: string;
  readonly names: readonly string[];
  readonly descriptor: Descriptor;
  readonly use: ImageUse;
}

/** containerd's, on the image that it starts pods with. */
const PINNED = 'io.cri-containerd.pinned';
/** What our DaemonSet names its container. */
const AGENT_CONTAINER = 'nodeseal';

/**
 * The images behind records, by use and then by name. Content that two repositories name is two
 * images; a record without a repository, such as that of the config digest, stands for an image only
 * where no other names its content.
 */
export function nodeImages(
  records: readonly LabelledRecord[],
  containers: readonly RunningContainer[],
): readonly NodeImage[] {
  const byKey = Map.groupBy(records, (record) => keyText(imageKeyOf(record)));
  const located = new Set(
    records.filter((record) => imageKeyOf(record).repository !== '').map(digestOf),
  );
  const uses = usesOf(records, containers);
  return [...byKey.values()]
    .flatMap(([first, ...rest]) => (first === undefined ? [] : [imageOf([first, ...rest], uses)]))
    .filter(({ repository, digest }) => repository !== '' || !located.has(digest))
    .sort((a, b) => rankOf(a) - rankOf(b) || compareText(a.name, b.name));
}

/** By content: a container tells which content it runs, not by which of its names. */
function usesOf(
  records: readonly LabelledRecord[],
  containers: readonly RunningContainer[],
): ReadonlyMap<string, ImageUse> {
  const digests = new Map(records.map((record) => [record.name, digestOf(record)]));
  const uses = new Map<string, ImageUse>();
  const mark = (digest: string | undefined, use: ImageUse): void => {
    if (digest === undefined) return;
    const before = uses.get(digest) ?? 'unused';
    if (IMAGE_USES.indexOf(use) < IMAGE_USES.indexOf(before)) uses.set(digest, use);
  };
  for (const record of records) if (record.labels.has(PINNED)) mark(digestOf(record), 'pause');
  for (const { name, images } of containers) {
    const use = name === AGENT_CONTAINER ? 'agent' : 'running';
    for (const image of images) mark(digests.get(image), use);
  }
  return uses;
}

function imageOf(
  records: readonly [LabelledRecord, ...LabelledRecord[]],
  uses: ReadonlyMap<string, ImageUse>,
): NodeImage {
  const [first] = records;
  const { repository, digest } = imageKeyOf(first);
  return {
    ...{ repository, digest },
    name: repository === '' ? first.name : `${repository}@${digest}`,
    names: records.map(({ name }) => name).sort(compareText),
    descriptor: first.target,
    use: uses.get(digest) ?? 'unused',
  };
}

function digestOf({ target }: ImageRecord): string {
  return target.digest;
}

function keyText({ repository, digest }: ImageKey): string {
  return `${repository}@${digest}`;
}

function rankOf({ use }: NodeImage): number {
  return IMAGE_USES.indexOf(use);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
