// How a URL is told in errors.

const MAX_SHOWN_CHARACTERS = 200;

/**
 * Scheme, host and path, cut to a readable length: no query, because signed storage URLs carry
 * credentials there, and no user information. Parsed URLs hold no control characters.
 */
export function shownUrl({ protocol, host, pathname }: URL): string {
  const text = `${protocol}//${host}${pathname}`;
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}
