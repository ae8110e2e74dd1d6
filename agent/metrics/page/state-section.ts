// The status page's first words: whether this node enforces, and if not, why and what to do.
import type { EnforcementStateName } from '../labels.ts';
import type { PageContent } from './content.ts';
import { markup, type Markup } from './markup.ts';
import { moment } from './moment.ts';
import { ENFORCEMENT_TONES, type Tone } from './tone.ts';

const SENTENCES: Readonly<Record<EnforcementStateName, string>> = {
  enforcing: 'Images that the policy does not allow are refused on this node.',
  bypassed: 'Images come in on this node that the policy does not allow.',
  unknown: 'It cannot be told whether this node refuses what the policy does not allow.',
};

/** State, causes with their remedies, and what else keeps the agent from its work. */
export function stateSection(content: PageContent): Markup {
  const { state, causes, problems, now, provedAt } = content;
  return markup`<section class="state ${ENFORCEMENT_TONES[state]}" aria-labelledby="state">
<h2 id="state">${state}</h2>
<p>${SENTENCES[state]} Last proved: ${moment(provedAt, now)}.</p>
${opening(content)}${causes.length === 0 ? '' : causeList(state, causes)}${problems.length === 0 ? '' : problemList(problems)}</section>`;
}

/** What lets images in on purpose stands alone: nobody may read past it. */
function opening({ mode, breakGlass }: PageContent): Markup {
  return markup`<dl>
<div><dt>Mode</dt><dd class="${mode === 'enforce' ? 'plain' : 'unsure'}">${mode}</dd></div>
<div><dt>Break-glass</dt><dd class="${glassTone(breakGlass.state)}">${breakGlass.message}</dd></div>
</dl>
`;
}

function glassTone(state: PageContent['breakGlass']['state']): Tone {
  switch (state) {
    case 'absent':
      return 'plain';
    case 'active':
      return 'bad';
    case 'ignored':
      return 'unsure';
  }
}

function causeList(state: EnforcementStateName, causes: PageContent['causes']): Markup {
  const title = state === 'enforcing' ? 'What speaks against it' : 'Causes';
  return markup`<h3>${title}</h3>
<ol class="causes">
${causes.map(
  ({ code, message, remedy }) => markup`<li><p>${message} <code>${code}</code></p>
<p><strong>To do:</strong> ${remedy}</p></li>
`,
)}</ol>
`;
}

function problemList(problems: readonly string[]): Markup {
  return markup`<h3>The agent is not ready</h3>
<ul class="causes">
${problems.map(
  (problem) => markup`<li>${problem}</li>
`,
)}</ul>
`;
}
