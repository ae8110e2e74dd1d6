// The status page's images: those that need somebody to look first, with a form to choose among them.
import { cut } from '../../oci/show.ts';
import type { PageDetails, PageImage } from './content.ts';
import { markup, type Markup } from './markup.ts';
import {
  IMAGE_CHOICES,
  type ImageFilter,
  type ImageChoice,
  MAX_FILTER_CHARACTERS,
} from './image-filter.ts';
import { moment } from './moment.ts';
import { table } from './table.ts';
import { STATE_TONES } from './tone.ts';

/** Whoever fills a node with images must not fill the page: the filter finds what is not shown. */
export const MAX_IMAGES = 100;
const MAX_TEXT = 160;
/** A DaemonSet's image runs once on a node, most others a few times. */
const MAX_PODS = 3;

const TITLES = ['Image', 'State', 'Verdict', 'How it came', 'Since', 'Runs in'] as const;

const CHOICES: Readonly<Record<'all' | 'look', string>> = {
  all: 'any',
  look: 'to be looked at',
};

/** Shows at most `MAX_IMAGES` and says how many there are. */
export function imagesSection(details: PageDetails, now: Date): Markup {
  const { filter, images, matching, total } = details;
  const shown = images.slice(0, MAX_IMAGES);
  const rest = shown.length < matching ? ` The first ${shown.length} are shown.` : '';
  const count = `${matching} of ${total} ${total === 1 ? 'image matches' : 'images match'}.${rest}`;
  return markup`<section aria-labelledby="images">
<h2 id="images">Images</h2>
${filterForm(filter)}
<p role="status">${count}</p>
${
  shown.length === 0
    ? ''
    : table(
        'Images and their last verdicts',
        TITLES,
        shown.map((image) => row(image, now)),
      )
}
</section>`;
}

function filterForm({ choice, isRunning, text }: ImageFilter): Markup {
  return markup`<form method="get" action="#images" role="search" aria-label="Images">
<div><label for="state-choice">State</label>
<select id="state-choice" name="state">${IMAGE_CHOICES.map((one) => option(one, one === choice))}</select></div>
<div><label for="text">Name, digest, signer or pod</label>
<input id="text" name="text" type="search" maxlength="${MAX_FILTER_CHARACTERS}" autocomplete="off" value="${text}"></div>
<div><label for="running"><input id="running" name="running" type="checkbox" value="yes"${isRunning ? markup` checked` : ''}> running only</label></div>
<div><button type="submit">Show</button> <a href="./">Show all</a></div>
</form>`;
}

function option(choice: ImageChoice, isChosen: boolean): Markup {
  const title = choice === 'all' || choice === 'look' ? CHOICES[choice] : choice;
  return markup`<option value="${choice}"${isChosen ? markup` selected` : ''}>${title}</option>`;
}

function row(image: PageImage, now: Date): readonly Markup[] {
  const { name, others, digest, state, cause, since, needsLook } = image;
  const tone = needsLook || state === 'verified' ? STATE_TONES[state] : 'plain';
  return [
    markup`${short(name)}${others === 0 ? '' : markup` <small>and ${others} more</small>`}${digestOf(digest)}`,
    markup`<span class="badge ${tone}">${state}</span>`,
    verdictOf(image),
    markup`<span class="word">${cause}</span>`,
    moment(since, now, 'not known'),
    podsOf(image),
  ];
}

/** Also of a pull. */
export function digestOf(digest: string | null): Markup {
  return digest === null ? markup`` : markup` <code>${cut(digest, MAX_TEXT)}</code>`;
}

function verdictOf({ state, reason, message, signer }: PageImage): Markup {
  if (reason === null) return markup`not looked at yet`;
  if (state === 'verified' && signer !== null) return markup`signed by ${short(signer)}`;
  return markup`<code>${short(reason)}</code> ${short(message)}`;
}

function podsOf({ runsIn }: PageImage): Markup {
  if (runsIn.length === 0) return markup`nothing`;
  const rest = runsIn.length - MAX_PODS;
  const names = runsIn.slice(0, MAX_PODS).map(short).join(', ');
  return markup`${names}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function short(text: string): string {
  return cut(text, MAX_TEXT);
}
