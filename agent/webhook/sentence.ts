// What a review says to whoever asked: which container, which image, which statement, and why.
import { cut, printable, show } from '../oci/show.ts';
import type { ImageVerdict } from './judgement.ts';
import type { ImageUse } from './workload.ts';

/** The rest are counted: kubectl, and Events of a ReplicaSet, show what fits a screen. */
const MAX_SHOWN = 4;
const MAX_REASON_CHARACTERS = 240;
const MAX_PLACES_SHOWN = 3;
/** Of names in Kubernetes; longer ones it would not take. */
const MAX_NAME_CHARACTERS = 63;

/** Why an object is refused: one line for each image, under one that counts. */
export function denialMessage(denied: readonly ImageVerdict[], judged: number): string {
  const what = judged === 1 ? 'its image' : `${denied.length} of ${judged} images`;
  return [`nodeseal refuses ${what}:`, ...shownLines(denied).map((line) => `- ${line}`)].join('\n');
}

/** What lets an object in and ought to be known: kubectl shows each on a line of its own. */
export function warningMessages(
  verdicts: readonly ImageVerdict[],
  isBinding: boolean,
): readonly string[] {
  const noteworthy = verdicts.filter(({ verdict: { decision, reason } }) =>
    isBinding ? reason === 'failure_logged' : decision === 'deny' || reason === 'failure_logged',
  );
  return shownLines(noteworthy, 'nodeseal: ');
}

function shownLines(verdicts: readonly ImageVerdict[], prefix = ''): readonly string[] {
  const lines = verdicts.slice(0, MAX_SHOWN).map((one) => prefix + sentence(one));
  const more = verdicts.length - lines.length;
  return more === 0 ? lines : [...lines, `${prefix}and ${more} more`];
}

function sentence({ image, uses, verdict }: ImageVerdict): string {
  const { policy, reason, inconclusive, message } = verdict;
  const statement = policy === null ? '' : `, policy statement ${show(policy)}`;
  const doubt = inconclusive ? ' (could not be told; it may be later)' : '';
  const why = printable(cut(message, MAX_REASON_CHARACTERS));
  return `${placesOf(uses)}, image ${show(image)}${statement}: ${reason}${doubt}: ${why}`;
}

function placesOf(uses: readonly ImageUse[]): string {
  const shown = uses
    .slice(0, MAX_PLACES_SHOWN)
    .map(({ role, name }) => `${role} ${show(cut(name, MAX_NAME_CHARACTERS))}`);
  const more = uses.length - shown.length;
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`;
}
