// Every way to put something more into a DER value: what a strict reader must not overlook.
import { der, nullValue } from './der.ts';

/** The value, once for each constructed element in it, with a NULL at the end of that element. */
export function withSomethingMore(encoded: Uint8Array): Buffer[] {
  const { tag, content } = takeApart(encoded);
  if ((tag & 0x20) === 0) return [];
  const children = split(content);
  const deeper = children.flatMap((child, index) =>
    withSomethingMore(child).map((variant) => der(tag, ...children.with(index, variant))),
  );
  return [der(tag, ...children, nullValue()), ...deeper];
}

function split(content: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  for (let rest = content; rest.length > 0;) {
    const { length } = takeApart(rest);
    elements.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return elements;
}

/** The first element; its lengths are taken to be right. */
function takeApart(bytes: Uint8Array): { tag: number; content: Uint8Array; length: number } {
  const [tag = 0, first = 0] = bytes;
  const octets = first < 0x80 ? 0 : first & 0x7f;
  const size = octets === 0 ? first : Buffer.from(bytes).readUIntBE(2, octets);
  const start = 2 + octets;
  return { tag, content: bytes.subarray(start, start + size), length: start + size };
}
