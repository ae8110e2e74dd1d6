// The page a person sees at `/`: what this node's state is, what to do about it, and what that stands on.
import type { PageContent, PageGeneration } from './content.ts';
import { coverageSection } from './coverage-section.ts';
import { renderDocument } from './document.ts';
import { markup, type Markup } from './markup.ts';
import { imagesSection } from './images-section.ts';
import { moment } from './moment.ts';
import { pullsSection } from './pulls-section.ts';
import { stateSection } from './state-section.ts';
import { ENFORCEMENT_TONES } from './tone.ts';
import { trustSection } from './trust-section.ts';
import { isoTime } from '../../utc.ts';

/** Relative, because the page may be seen through a proxy that has it elsewhere. */
const LINKS = [
  ['metrics', 'for Prometheus'],
  ['status.json', 'the state for programs'],
  ['healthz', 'is the process alive'],
  ['readyz', 'does it do its work'],
] as const;

/** Renders it, as long as `MAX_IMAGES` and the like let it become. */
export function renderPage(content: PageContent): string {
  const { now, state, node, version, details, inventory, trust } = content;
  const body = markup`<a class="skip" href="#state">Skip to the state</a>
<header>
<h1>nodeseal</h1>
<p>${node === null ? '' : markup`Node <strong>${node}</strong>, `}version ${version}, as of <time datetime="${isoTime(now)}">${utc(now)}</time></p>
</header>
<main>
${stateSection(content)}
${coverageSection(inventory)}
${
  details === null
    ? hidden()
    : markup`${imagesSection(details, now)}
${pullsSection(details.pulls, now)}`
}
${trustSection(trust, now)}
${factsSection(content)}
</main>
<footer><nav aria-label="Other pages"><ul>
${LINKS.map(
  ([path, what]) => markup`<li><a href="${path}">${path}</a> ${what}</li>
`,
)}</ul></nav></footer>`;
  return renderDocument(`${state}: ${node ?? 'nodeseal'}`, body, ENFORCEMENT_TONES[state]);
}

function utc(at: Date): string {
  return `${isoTime(at).slice(0, 19).replace('T', ' ')} UTC`;
}

function hidden(): Markup {
  return markup`<section aria-labelledby="images">
<h2 id="images">Images and pulls</h2>
<p>Names of images are not shown here: whoever may read the numbers may not read the names.
<code>nodeseal images</code> and <code>nodeseal audit</code> tell them on the node;
<code>NODESEAL_STATUS_DETAILS=show</code> has them shown on this page.</p>
</section>`;
}

function factsSection({ policy, trust, journalLagSeconds: lag, now }: PageContent): Markup {
  return markup`<section aria-labelledby="facts">
<h2 id="facts">What this stands on</h2>
<dl>
<div><dt>Policy</dt><dd>${generation(policy, now)}</dd></div>
<div><dt>Trust</dt><dd>${generation(trust, now)}</dd></div>
<div><dt>Log of containerd</dt><dd>${lag === null ? 'nothing read yet' : `${lag.toFixed(1)} s behind`}</dd></div>
</dl>
</section>`;
}

function generation({ hash, loadedAt }: PageGeneration, now: Date): Markup {
  if (hash === '') return markup`<span class="bad">none</span>`;
  return markup`<code>${hash}</code>, loaded ${moment(loadedAt, now, 'at an unknown time')}`;
}
