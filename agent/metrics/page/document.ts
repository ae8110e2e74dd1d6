// An HTML document of ours: its head, its style sheet, and what a browser may do with it.
import { hashHex } from '../../notation/encoding/crypto.ts';
import { markup, type Markup } from './markup.ts';
import { STYLE } from './style.ts';
import type { Tone } from './tone.ts';

const STYLE_HASH = Buffer.from(hashHex('sha256', Buffer.from(STYLE.toString())), 'hex').toString(
  'base64',
);

/** Only its own style sheet and icon: no script, nothing from elsewhere. Its form asks here again. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${STYLE_HASH}'`,
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Colours that are told apart on light and on dark. */
const ICON_COLOURS: Readonly<Record<Tone, string>> = {
  good: '2c8a4b',
  unsure: 'd9a21b',
  bad: 'cc2f45',
  plain: '808690',
};

/** A whole document. Its icon tells the tone among the tabs of a browser. */
export function renderDocument(title: string, body: Markup, tone: Tone = 'plain'): string {
  const circle = `<circle cx='8' cy='8' r='7' fill='%23${ICON_COLOURS[tone]}'/>`;
  const icon = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>${circle}</svg>`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:image/svg+xml,${icon}">
<style>${STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`.toString();
}

/** A document of one sentence, for a program that has no state to show. */
export function renderNotice(text: string): string {
  return renderDocument('nodeseal', markup`<main><h1>nodeseal</h1><p>${text}</p></main>`);
}
