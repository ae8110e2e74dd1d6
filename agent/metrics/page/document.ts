// An HTML document of ours: its head, its style sheet, and what a browser may do with it.
import { hashHex } from '../../notation/encoding/crypto.ts';
import { markup, type Markup } from './markup.ts';
import { STYLE } from './style.ts';

const STYLE_HASH = Buffer.from(hashHex('sha256', Buffer.from(STYLE.toString())), 'hex').toString(
  'base64',
);

/** Only its own style sheet: no script, no image, nothing from elsewhere. Its form asks here again. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${STYLE_HASH}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A whole document. */
export function renderDocument(title: string, body: Markup): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
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
