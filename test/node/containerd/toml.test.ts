import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_TOML_BYTES, parseToml, TomlSection } from '../../../agent/node/containerd/toml.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';

const parse = (text: string) => parseToml(Buffer.from(text), 'file');
const INVALID = 'containerd_config_invalid';

describe('TOML of containerd', () => {
  it('is read whole, with keys that mean something else to JavaScript', () => {
    const table = parse('version = 3\n[plugins."a.b"]\nc = ["d"]\n["__proto__"]\nx = true');
    const root = new TomlSection(table);
    expect(root.number('version', 0)).toBe(3);
    expect(root.section('plugins').section('a.b').texts('c')).toEqual(['d']);
    expect(root.keys).toEqual(['version', 'plugins', '__proto__']);
    expect(root.has('toString')).toBe(false);
    expect(root.section('constructor').keys).toEqual([]);
  });

  it.each([
    ['what is no TOML', 'version = '],
    ['a key twice', 'a = 1\na = 2'],
    ['nesting without end', `a = ${'['.repeat(1000)}${']'.repeat(1000)}`],
  ])('is refused with %s', (_, text) => {
    expect(expectCode(() => parse(text), INVALID).message).toMatch(/^file: expected TOML/);
  });

  it('is refused when it is not UTF-8', () => {
    const bytes = Buffer.from([...Buffer.from('a = "'), 0xff, ...Buffer.from('"')]);
    expectCode(() => parseToml(bytes, 'file'), INVALID);
  });

  it('is refused above its bound, and read at it', () => {
    const text = `#${'x'.repeat(MAX_TOML_BYTES - 1)}`;
    expect(parse(text)).toEqual({});
    expectCode(() => parse(`${text}x`), 'containerd_config_unreadable');
  });

  it('gives its defaults where there is nothing', () => {
    const root = new TomlSection(parse(''));
    expect(root.text('a', 'default')).toBe('default');
    expect(root.number('a', 3)).toBe(3);
    expect(root.flag('a', true)).toBe(true);
    expect(root.texts('a')).toEqual([]);
    expect(root.section('a').section('b').keys).toEqual([]);
  });

  it('keeps zeros, empty texts and false, which are no defaults', () => {
    const root = new TomlSection(parse('a = 0\nb = ""\nc = false\nd = 9223372036854775807'));
    expect(root.number('a', 3)).toBe(0);
    expect(root.text('b', 'default')).toBe('');
    expect(root.flag('c', true)).toBe(false);
    expect(root.number('d', 3)).toBeGreaterThan(9e18);
  });

  const READERS: Readonly<Record<string, (section: TomlSection) => unknown>> = {
    'a table': (section) => section.section('key'),
    'a string': (section) => section.text('key', ''),
    'a number': (section) => section.number('key', 0),
    'true or false': (section) => section.flag('key', false),
    'an array of strings': (section) => section.texts('key'),
  };

  it.each([
    ['{}', 'a table'],
    ['"text"', 'a string'],
    ['1', 'a number'],
    ['1.5', 'a number'],
    ['true', 'true or false'],
    ['["a"]', 'an array of strings'],
    ['["a", 1]', null],
    ['1979-05-27T07:32:00Z', null],
  ])('takes %s for %s and says where it stands when that was not expected', (value, kind) => {
    const section = new TomlSection(parse(`[p."q.r"]\nkey = ${value}`)).section('p');
    for (const [expected, read] of Object.entries(READERS)) {
      const action = () => read(section.section('q.r'));
      if (expected === kind) action();
      else
        expect(expectCode(action, INVALID).message).toContain(`p."q.r".key: expected ${expected}`);
    }
  });

  it('is a table or our own error, whatever the bytes', () => {
    const parseBytes = (bytes: Uint8Array): void =>
      void valueOrAgentError(() => parseToml(bytes, 'file'));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), parseBytes));
    const word = fc.constantFrom(
      'a',
      '=',
      '[',
      ']',
      '{',
      '}',
      '"',
      "'",
      '.',
      '\n',
      '1',
      '-',
      ',',
      '#',
    );
    const text = fc.array(word, { maxLength: 40 }).map((words) => Buffer.from(words.join('')));
    fc.assert(fc.property(text, parseBytes));
  });
});
