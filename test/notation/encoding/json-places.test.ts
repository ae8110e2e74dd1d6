// Where the parts of a JSON document stand in its text.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson } from '../../../agent/notation/encoding/json.ts';
import { JsonPlaces } from '../../../agent/notation/encoding/json-places.ts';
import { expectCode } from '../../support/expect-code.ts';

const OPTIONS = { what: 'document', maxBytes: 1000, code: 'policy_invalid' } as const;

function read(text: string): { readonly value: unknown; readonly places: JsonPlaces } {
  const places = new JsonPlaces();
  return { value: parseStrictJson(text, { ...OPTIONS, places }), places };
}

describe('JsonPlaces', () => {
  it('tells where the name of a member and an item begin', () => {
    const { value, places } = read('{ "a": 1,\r\n  "b": [\n    true,\n\t{"c": "\\n"}, 3 ]\n}');
    const root = value as { b: [unknown, object, unknown] };
    expect(places.positionOf(root, 'a')).toEqual({ line: 1, column: 3 });
    expect(places.positionOf(root, 'b')).toEqual({ line: 2, column: 3 });
    expect(places.positionOf(root.b, 0)).toEqual({ line: 3, column: 5 });
    expect(places.positionOf(root.b, 1)).toEqual({ line: 4, column: 2 });
    expect(places.positionOf(root.b[1], 'c')).toEqual({ line: 4, column: 3 });
    expect(places.positionOf(root.b, 2)).toEqual({ line: 4, column: 15 });
    expect(places.fault).toBeUndefined();
  });

  it('knows nothing of what is not there', () => {
    const { value, places } = read('{"a": []}');
    const root = value as { a: object };
    expect(places.positionOf(root, 'b')).toBeUndefined();
    expect(places.positionOf(root.a, 0)).toBeUndefined();
    expect(places.positionOf({}, 'a')).toBeUndefined();
  });

  it.each([
    ['what does not fit', '{\n  "a": 1\n  "b": 2\n}', { line: 3, column: 3 }],
    ['the end', '{\n', { line: 2, column: 1 }],
    ['a second value', '{}\n\n {}', { line: 3, column: 2 }],
  ])('tells where reading ended at %s', (_, text, position) => {
    const places = new JsonPlaces();
    expectCode(() => parseStrictJson(text, { ...OPTIONS, places }), 'policy_invalid');
    expect(places.fault?.sentence).toMatch(/^expected /);
    expect(places.fault?.position).toEqual(position);
  });

  it.each([
    ['is too large', new Uint8Array(1001)],
    ['is no UTF-8', Uint8Array.of(0xff)],
  ])('tells no place in what %s', (_, bytes) => {
    const places = new JsonPlaces();
    expectCode(() => parseStrictJson(bytes, { ...OPTIONS, places }), 'policy_invalid');
    expect(places.fault?.sentence).toMatch(/^expected /);
    expect(places.fault?.position).toBeUndefined();
  });

  it('points at the text of every member and item', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.nat(3), (json, indent) => {
        const text = JSON.stringify(json, null, indent);
        fc.pre(Buffer.byteLength(text) <= OPTIONS.maxBytes);
        const { value, places } = read(text);
        expectEachAt(value, text.split('\n'), places);
      }),
    );
  });
});

function expectEachAt(value: unknown, lines: readonly string[], places: JsonPlaces): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const isItem = Array.isArray(value);
    const at = places.positionOf(value, isItem ? Number(key) : key);
    const rest = lines[(at?.line ?? 0) - 1]?.slice((at?.column ?? 0) - 1);
    const first = isItem ? JSON.stringify(inner)[0] : JSON.stringify(key);
    expect(rest?.startsWith(first ?? '')).toBe(true);
    expectEachAt(inner, lines, places);
  }
}
