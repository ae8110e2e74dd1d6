// Text in lines that fit a number of columns.

/** On anything narrower than this nothing can be read; the terminal then wraps by itself. */
const LEAST_COLUMNS = 20;

/** East Asian characters and emoji take two columns; all of them are above this, and some more. */
const FIRST_WIDE = 0x1100;

/**
 * Breaks at spaces, and words that are too long where they must be. Characters that may be wide
 * count as wide: a line that is too long would go on at the left edge, where only we may write.
 */
export function wrap(text: string, columns: number, least = LEAST_COLUMNS): readonly string[] {
  const most = Math.max(columns, least);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > most) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
    while (widthOf(line) > most) {
      const start = cutAt(line, most);
      lines.push(start);
      line = line.slice(start.length);
    }
  }
  return [...lines, line];
}

/** Columns that a text takes at most. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

function cutAt(text: string, most: number): string {
  let start = '';
  let width = 0;
  for (const character of text) {
    width += columnsOf(character);
    if (width > most) break;
    start += character;
  }
  return start;
}

function columnsOf(character: string): number {
  return (character.codePointAt(0) ?? 0) >= FIRST_WIDE ? 2 : 1;
}
