// The status page's last pulls: what was let in or refused on this node, and why.
import { cut } from '../../oci/show.ts';
import type { PagePull } from './content.ts';
import { markup, type Markup } from './markup.ts';
import { digestOf } from './images-section.ts';
import { moment } from './moment.ts';
import { table } from './table.ts';

/** What happened lately; `nodeseal audit` tells of all. */
export const MAX_PULLS = 25;
const MAX_TEXT = 160;

const TITLES = ['Image', 'When', 'Became', 'Verdict', 'Mode'] as const;

/** Shows at most `MAX_PULLS`. */
export function pullsSection(pulls: readonly PagePull[], now: Date): Markup {
  const shown = pulls.slice(0, MAX_PULLS);
  const none = markup`<p>None is known.</p>`;
  return markup`<section aria-labelledby="pulls">
<h2 id="pulls">Last pulls</h2>
${
  shown.length === 0
    ? none
    : table(
        `The last ${shown.length}, the last first`,
        TITLES,
        shown.map((pull) => row(pull, now)),
      )
}
</section>`;
}

function row(
  { at, image, digest, isAdmitted, ...verdict }: PagePull,
  now: Date,
): readonly Markup[] {
  const { decision, reason, message, mode } = verdict;
  // Let in against its verdict is worse than refused.
  const tone = isAdmitted ? (decision === 'allow' ? 'good' : 'bad') : 'plain';
  return [
    markup`${cut(image, MAX_TEXT)}${digestOf(digest)}`,
    moment(at, now),
    markup`<span class="badge ${tone}">${isAdmitted ? 'let in' : 'refused'}</span>`,
    markup`${decision} <code>${cut(reason, MAX_TEXT)}</code> ${cut(message, MAX_TEXT)}`,
    markup`<span class="word">${mode}</span>`,
  ];
}
