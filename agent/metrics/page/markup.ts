// Text into HTML: what is not markup of ours is escaped, because there is no other way to put it in.
import { printable } from '../../oci/show.ts';

/** Markup of ours, with all texts in it escaped. Only `markup` makes it. */
export class Markup {
  readonly #text: string;

  constructor(strings: readonly string[], values: readonly Value[]) {
    this.#text = strings.map((own, index) => own + textOf(values[index] ?? '')).join('');
  }

  toString(): string {
    return this.#text;
  }
}

/** What may stand between markup; a list stands for its parts one after the other. */
type Value = string | number | Markup | readonly Markup[];

/** The longest text of ours is a cause with what was found; a longer one would be nobody's to read. */
const MAX_TEXT_CHARACTERS = 2000;

/**
 * The template with each value in its place: as the text of an element, or of an attribute in
 * double quotes; nowhere else are values safe. Characters that do not show, or turn the direction
 * of writing, are shown as their numbers.
 */
export function markup(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(strings, values);
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

function textOf(value: Value): string {
  if (value instanceof Markup) return value.toString();
  if (typeof value === 'object') return value.join('');
  return printable(String(value), MAX_TEXT_CHARACTERS).replace(
    /[&<>"']/g,
    (character) => ESCAPES.get(character) ?? '',
  );
}
