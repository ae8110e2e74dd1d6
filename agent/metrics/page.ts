// The page a person sees at `/`: what this is, its state, and where the numbers are.

/** One line of the page; its value may be any text. */
export interface StatusLine {
  readonly name: string;
  readonly value: string;
}

const LINKS = [
  ['/metrics', 'for Prometheus'],
  ['/healthz', 'is the process alive'],
  ['/readyz', 'does it do its work'],
  ['/status.json', 'the state for programs'],
] as const;

/** Renders the page. Every text is escaped: names of images are attacker-controlled. */
export function renderPage(status: readonly StatusLine[]): string {
  const rows = status.map(
    ({ name, value }) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  const links = LINKS.map(([path, what]) => `<li><a href="${path}">${path}</a> ${what}</li>`);
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><title>nodeseal</title></head><body>',
    '<h1>nodeseal</h1>',
    `<table>${rows.join('')}</table>`,
    `<ul>${links.join('')}</ul>`,
    '</body></html>\n',
  ].join('\n');
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES.get(character) ?? '');
}
