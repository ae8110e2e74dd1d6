// Changes inside DER: the content of one element, with the lengths around it put right again.
import { der } from '../support/der.ts';
import type { Edit } from './edits.ts';

interface Element {
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
  /** Outermost first. */
  readonly parents: readonly Element[];
}

/** So deep is no certificate, token or list; garbage may look like it. */
const MAX_DEPTH = 24;

/** Changes one element, so that the change gets past the lengths around it. */
export function insideDer(which: number, edit: Edit, isWhole: boolean): Edit {
  return (bytes) => {
    const elements = elementsOf(bytes, 0, bytes.length, []);
    const element = elements[which % Math.max(1, elements.length)];
    if (element === undefined) return edit(bytes);
    const { start, contentStart, end, parents } = element;
    const changed = isWhole
      ? edit(bytes.subarray(start, end))
      : der(bytes[start] ?? 0, edit(bytes.subarray(contentStart, end)));
    let inner: { start: number; end: number; bytes: Buffer } = { start, end, bytes: changed };
    for (const parent of parents.toReversed()) {
      const content = [
        bytes.subarray(parent.contentStart, inner.start),
        inner.bytes,
        bytes.subarray(inner.end, parent.end),
      ];
      const whole = der(bytes[parent.start] ?? 0, ...content);
      inner = { start: parent.start, end: parent.end, bytes: whole };
    }
    return Buffer.concat([bytes.subarray(0, inner.start), inner.bytes, bytes.subarray(inner.end)]);
  };
}

/** All elements of a range, those inside included; none if the range is not made of elements. */
function elementsOf(
  bytes: Buffer,
  from: number,
  to: number,
  parents: readonly Element[],
): Element[] {
  const found: Element[] = [];
  if (parents.length > MAX_DEPTH) return found;
  for (let at = from; at < to;) {
    const element = elementAt(bytes, at, to, parents);
    if (element === undefined) return [];
    found.push(element, ...insideOf(bytes, element));
    at = element.end;
  }
  return found;
}

/** Also of a string of octets: extensions and answers wrap their DER in one. */
function insideOf(bytes: Buffer, element: Element): Element[] {
  const tag = bytes[element.start] ?? 0;
  if ((tag & 0x20) === 0 && tag !== 0x04) return [];
  return elementsOf(bytes, element.contentStart, element.end, [...element.parents, element]);
}

function elementAt(
  bytes: Buffer,
  start: number,
  to: number,
  parents: readonly Element[],
): Element | undefined {
  const first = bytes[start + 1];
  if (first === undefined) return undefined;
  const octets = first < 0x80 ? 0 : first & 0x7f;
  const contentStart = start + 2 + octets;
  if (octets > 4 || contentStart > to || first === 0x80) return undefined;
  const length = octets === 0 ? first : bytes.readUIntBE(start + 2, octets);
  const end = contentStart + length;
  return end > to ? undefined : { start, contentStart, end, parents };
}
