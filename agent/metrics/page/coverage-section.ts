// The status page's coverage: how many images are in which state, how many containers run them, and how they came.
import { IMAGE_CAUSES, type ImageState } from '../labels.ts';
import type { InventoryCounts } from '../sources.ts';
import { markup, type Markup } from './markup.ts';
import { table } from './table.ts';
import { STATE_TONES } from './tone.ts';

/** The best first. */
const STATES = ['verified', 'stale', 'inconclusive', 'unverified', 'failed'] as const;

const MEANINGS: Readonly<Record<ImageState, string>> = {
  verified: 'a signature is good, today',
  stale: 'verified before; just now it could not be told',
  inconclusive: 'it could not be told',
  unverified: 'not looked at yet, or the policy asks for no signature',
  failed: 'would be refused today',
};

/** Numbers only. */
export function coverageSection({ images, containers }: InventoryCounts): Markup {
  const byState = STATES.map((state) => ({
    state,
    count: sumOf(images.filter((one) => one.state === state)),
    running: sumOf(containers.filter((one) => one.state === state)),
  }));
  const rows = byState.map(({ state, count, running }) => [
    markup`<span class="key ${state}" aria-hidden="true"></span><span class="${STATE_TONES[state]}">${state}</span>`,
    markup`${count}`,
    markup`${running}`,
    markup`${MEANINGS[state]}`,
  ]);
  return markup`<section aria-labelledby="coverage">
<h2 id="coverage">Coverage</h2>
${bar(byState)}
${table(`Images on this node: ${sumOf(images)}`, ['State', 'Images', 'Containers', 'Meaning'], rows)}
<p>${originsText(images)}</p>
</section>`;
}

/** Widths are attributes, because the security policy lets no style stand at an element. */
function bar(byState: readonly { readonly state: ImageState; readonly count: number }[]): Markup {
  const total = sumOf(byState);
  if (total === 0) return markup`<p>No image is known yet.</p>`;
  const shares = byState.filter(({ count }) => count > 0);
  const label = shares.map(({ state, count }) => `${count} ${state}`).join(', ');
  let x = 0;
  const parts = shares.map(({ state, count }) => {
    const part = markup`<rect class="${state}" x="${x}" y="0" width="${count}" height="1"><title>${count} ${state}</title></rect>`;
    x += count;
    return part;
  });
  return markup`<svg class="bar" role="img" aria-label="${label}" viewBox="0 0 ${total} 1" preserveAspectRatio="none">${parts}</svg>`;
}

function originsText(images: InventoryCounts['images']): string {
  const counts = IMAGE_CAUSES.map((cause) => {
    const count = sumOf(images.filter((one) => one.cause === cause));
    return count === 0 ? '' : `${count} ${cause}`;
  });
  const text = counts.filter((one) => one !== '').join(', ');
  return text === '' ? '' : `How they came: ${text}.`;
}

function sumOf(counts: readonly { readonly count: number }[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}
