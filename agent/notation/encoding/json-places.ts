// Where in the text of a JSON document its parts stand, for messages to whoever has to correct it.

/** Both from 1, as editors count; a column is a UTF-16 code unit. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/**
 * Given to `parseStrictJson`, remembers offsets: of items, and of the names of members. Kept beside
 * the values rather than in them, so that it costs nothing where nobody asks.
 */
export class JsonPlaces {
  #text = '';
  readonly #offsets = new WeakMap<object, Map<string | number, number>>();
  #fault: { readonly sentence: string; readonly offset: number | undefined } | undefined;

  /** What ended the reading early, without the name of the document. */
  get fault():
    { readonly sentence: string; readonly position: TextPosition | undefined } | undefined {
    if (this.#fault === undefined) return undefined;
    const { sentence, offset } = this.#fault;
    return { sentence, position: offset === undefined ? undefined : this.#positionAt(offset) };
  }

  /** Where a member's name or an item begins; undefined if `container` has none of this key. */
  positionOf(container: object, key: string | number): TextPosition | undefined {
    const offset = this.#offsets.get(container)?.get(key);
    return offset === undefined ? undefined : this.#positionAt(offset);
  }

  /** For the reader: the text that all offsets are of. */
  begin(text: string): void {
    this.#text = text;
  }

  /** For the reader: what it found at an offset. */
  note(container: object, key: string | number, offset: number): void {
    const known = this.#offsets.get(container);
    if (known === undefined) this.#offsets.set(container, new Map([[key, offset]]));
    else known.set(key, offset);
  }

  /** For the reader: why it ends; without an offset if it never began. */
  end(sentence: string, offset?: number): void {
    this.#fault = { sentence, offset };
  }

  #positionAt(offset: number): TextPosition {
    let line = 1;
    let start = 0;
    for (;;) {
      const end = this.#text.indexOf('\n', start);
      if (end < 0 || end >= offset) return { line, column: offset - start + 1 };
      line++;
      start = end + 1;
    }
  }
}
