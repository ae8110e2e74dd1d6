// The inventory for a person: a table, and under it what it comes to.
import { type InventoryList, type ListedImage, needsLook } from '../audit/inventory-list.ts';
import type { ImageState } from '../audit/image-state.ts';
import { type Style, tableRow } from './output.ts';
import type { Screen } from './screen.ts';
import { span } from '../span.ts';
import { type Column, table } from './table.ts';

/** Together they fit 80 columns at their least. */
const COLUMNS: readonly Column[] = [
  { title: 'STATE' },
  { title: 'CAUSE', least: 11 },
  { title: 'SINCE' },
  { title: 'IMAGE', least: 18 },
  { title: 'SIGNER OR REASON', least: 12 },
  { title: 'RUNS IN', least: 9 },
];

const STYLES: Readonly<Record<ImageState, readonly Style[]>> = {
  failed: ['bold', 'red'],
  unverified: ['yellow'],
  inconclusive: ['yellow'],
  stale: ['yellow'],
  verified: ['green'],
};
const QUIET: readonly Style[] = ['dim'];

const SHORT_DIGEST = 12;

/** `shown` of `list`: the table is of the former, what is under it of both. */
export function describeInventory(
  shown: readonly ListedImage[],
  { images, listedAt }: InventoryList,
  now: Date,
  screen: Screen,
): string {
  const rows = shown.map((image) => [
    { text: image.state, style: needsLook(image) ? STYLES[image.state] : quietOr(image.state) },
    { text: image.cause },
    { text: image.since === null ? '-' : span(now, image.since) },
    { text: imageText(image, screen) },
    { text: byText(image) },
    { text: podsText(image) },
  ]);
  const count = shown.length === images.length ? '' : ` of ${images.length}`;
  const found = `${shown.length}${count} ${images.length === 1 ? 'image' : 'images'}`;
  const age = listedAt === null ? 'never' : `${span(now, listedAt)} ago`;
  const end = `${found}${summary(shown)}; the image store was last listed ${age}`;
  const body = rows.length === 0 ? '' : `${table(COLUMNS, rows, screen)}\n`;
  return body + tableRow([{ text: end, style: ['dim'] }], screen);
}

/** What the policy asks no signature of is neither good nor bad. */
function quietOr(state: ImageState): readonly Style[] {
  return state === 'verified' ? STYLES.verified : QUIET;
}

function summary(images: readonly ListedImage[]): string {
  const counts = [...Map.groupBy(images, ({ state }) => state)];
  const text = counts.map(([state, { length }]) => `${length} ${state}`).join(', ');
  return text === '' ? '' : `: ${text}`;
}

/** What a person calls it: its first tag, or else its repository; and how many other tags it has. */
export function calledAs({ repository, names }: Pick<ListedImage, 'repository' | 'names'>): {
  readonly name: string;
  readonly others: number;
} {
  const isTag = (name: string): boolean => !name.includes('@') && !name.startsWith('sha256:');
  const [first, ...others] = names.filter(isTag);
  const name = first ?? (repository === '' || repository === null ? names[0] : repository) ?? '';
  return { name, others: others.length };
}

/** What it is called and its digest; on a terminal only the beginning of that. */
function imageText(image: ListedImage, { columns }: Screen): string {
  const { digest } = image;
  const { name, others } = calledAs(image);
  const more = others === 0 ? '' : ` (+${others})`;
  if (digest === null) return `${name}${more}`;
  const [algorithm = '', hex = ''] = digest.split(':');
  const shortened = `${algorithm}:${hex.slice(0, SHORT_DIGEST)}`;
  return `${name === '' ? '' : `${name}@`}${columns === undefined ? digest : shortened}${more}`;
}

/** Who signed it; where nothing good was found, what was. */
function byText({ state, verdict }: ListedImage): string {
  if (verdict === null) return 'not looked at yet';
  if (state === 'verified' && verdict.signer !== null) return verdict.signer;
  return verdict.reason;
}

function podsText(image: ListedImage): string {
  return podsOf(image).join(', ') || '-';
}

/** The pods that run it, each once; of a container without a pod, the container. */
export function podsOf({ containers }: Pick<ListedImage, 'containers'>): readonly string[] {
  const texts = containers.map(({ id, name, pod }) =>
    pod.name === '' ? name || id.slice(0, SHORT_DIGEST) : `${pod.namespace}/${pod.name}`,
  );
  return [...new Set(texts)];
}
