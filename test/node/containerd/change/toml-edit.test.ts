// Setting and removing one value of a TOML text: only that changes, in every form in which people write TOML.
import fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import {
  rawValueAt,
  removeValue,
  setValue,
} from '../../../../agent/node/containerd/change/toml-edit.ts';
import { expectCode } from '../../../support/expect-code.ts';
import { valueOrAgentError } from '../../../support/only-agent-errors.ts';
import { runs } from '../../../support/properties.ts';

const IMAGES = 'io.containerd.cri.v1.images';
const PATH = ['plugins', IMAGES, 'discard_unpacked_layers'];

/** Text before and after setting PATH to false. */
const FORMS: readonly (readonly [string, string, string])[] = [
  [
    'a line of its table, its comments kept',
    `# ours\nversion = 3 # three\n\n[plugins]\n  [plugins.'${IMAGES}'] # images\n    # why\n    discard_unpacked_layers = true # saves disk\n    snapshotter = 'overlayfs'\n`,
    `# ours\nversion = 3 # three\n\n[plugins]\n  [plugins.'${IMAGES}'] # images\n    # why\n    discard_unpacked_layers = false # saves disk\n    snapshotter = 'overlayfs'\n`,
  ],
  [
    'CRLF',
    `version = 3\r\n[plugins."${IMAGES}"]\r\nsnapshotter = "a"\r\n\r\n[debug]\r\nlevel = "info"\r\n`,
    `version = 3\r\n[plugins."${IMAGES}"]\r\nsnapshotter = "a"\r\ndiscard_unpacked_layers = false\r\n\r\n[debug]\r\nlevel = "info"\r\n`,
  ],
  [
    'a table without it: behind its own keys, before those of the next',
    `[plugins."${IMAGES}"]\n  snapshotter = "a"\n\n  # the registry\n  [plugins."${IMAGES}".registry]\n    config_path = "/x"\n`,
    `[plugins."${IMAGES}"]\n  snapshotter = "a"\n  discard_unpacked_layers = false\n\n  # the registry\n  [plugins."${IMAGES}".registry]\n    config_path = "/x"\n`,
  ],
  [
    'a table that is empty',
    `[plugins."${IMAGES}"]\n[debug]\n`,
    `[plugins."${IMAGES}"]\n  discard_unpacked_layers = false\n[debug]\n`,
  ],
  [
    'a table that only tables below it imply',
    `[plugins."${IMAGES}".registry]\nconfig_path = "/x"\n`,
    `[plugins."${IMAGES}".registry]\nconfig_path = "/x"\n\n[plugins."${IMAGES}"]\n  discard_unpacked_layers = false\n`,
  ],
  [
    'no table, and no end of line',
    'version = 3',
    `version = 3\n\n[plugins."${IMAGES}"]\n  discard_unpacked_layers = false\n`,
  ],
  ['nothing', '', `[plugins."${IMAGES}"]\n  discard_unpacked_layers = false\n`],
  [
    'an inline table',
    `plugins = { "${IMAGES}" = { snapshotter = "a", discard_unpacked_layers = true } } # all\n`,
    `plugins = { "${IMAGES}" = { snapshotter = "a", discard_unpacked_layers = false } } # all\n`,
  ],
  [
    'an inline table without it',
    `[plugins]\n"${IMAGES}" = { snapshotter = "a" }\n`,
    `[plugins]\n"${IMAGES}" = { discard_unpacked_layers = false, snapshotter = "a" }\n`,
  ],
  [
    'an empty inline table',
    `[plugins]\n"${IMAGES}" = {}\n`,
    `[plugins]\n"${IMAGES}" = { discard_unpacked_layers = false }\n`,
  ],
  [
    'dotted keys',
    `plugins."${IMAGES}".snapshotter = "a"\nplugins.'${IMAGES}'.discard_unpacked_layers = true\n`,
    `plugins."${IMAGES}".snapshotter = "a"\nplugins.'${IMAGES}'.discard_unpacked_layers = false\n`,
  ],
  [
    'dotted keys without it',
    `[plugins]\n  "${IMAGES}".snapshotter = "a"\n[debug]\n`,
    `[plugins]\n  "${IMAGES}".snapshotter = "a"\n  "${IMAGES}".discard_unpacked_layers = false\n[debug]\n`,
  ],
  [
    'keys with spaces and escapes',
    `[ plugins . "io.containerd.\\u0063ri.v1.images" ]\n"discard_unpacked_layers"   =   true\n`,
    `[ plugins . "io.containerd.\\u0063ri.v1.images" ]\n"discard_unpacked_layers"   =   false\n`,
  ],
  [
    'strings and arrays that look like tables',
    `a = """\n[plugins."${IMAGES}"]\ndiscard_unpacked_layers = true\\"""" # "\nb = [\n  "[x]", # ]\n  { c = '''\n}''' },\n]\n[[d]]\ndiscard_unpacked_layers = true\n[plugins."${IMAGES}"]\ndiscard_unpacked_layers = true`,
    `a = """\n[plugins."${IMAGES}"]\ndiscard_unpacked_layers = true\\"""" # "\nb = [\n  "[x]", # ]\n  { c = '''\n}''' },\n]\n[[d]]\ndiscard_unpacked_layers = true\n[plugins."${IMAGES}"]\ndiscard_unpacked_layers = false`,
  ],
  [
    'a byte order mark',
    `\uFEFFversion = 3\n[plugins."${IMAGES}"]\ndiscard_unpacked_layers = true\n`,
    `\uFEFFversion = 3\n[plugins."${IMAGES}"]\ndiscard_unpacked_layers = false\n`,
  ],
];

describe('setting a value', () => {
  it.each(FORMS)('changes nothing else in %s', (_, before, after) => {
    expect(setValue(before, PATH, false)).toBe(after);
    expect(setValue(after, PATH, false)).toBe(after);
  });

  it('sets what is at the root where it stands, or before all tables', () => {
    expect(setValue('version = 3\n[a]\n', ['imports'], ['x', 'y*'])).toBe(
      'version = 3\nimports = ["x", "y*"]\n[a]\n',
    );
    const long = 'imports = [\n  "a", # one\n  "b",\n]\nversion = 3\n';
    expect(setValue(long, ['imports'], [])).toBe('imports = []\nversion = 3\n');
    expect(setValue('[a]\n', ['version'], 3)).toBe('version = 3\n[a]\n');
  });

  it.each([
    ['the table is a value', 'plugins = 1\n'],
    ['the table is in an array', `[[plugins]]\n"${IMAGES}" = 1\n`],
    [
      'a table stands where the value goes',
      `[plugins."${IMAGES}".discard_unpacked_layers]\na = 1\n`,
    ],
    ['a key is there twice', 'a = 1\na = 2\n'],
    ['a table is there twice', '[a]\n[a]\n'],
    ['it is no TOML', '[plugins\n'],
  ])('is refused where %s', (_, text) => {
    expectCode(() => setValue(text, PATH, false), 'containerd_change_refused');
  });

  it('gives what was there with just that value set, whatever the document', () => {
    const key = fc.constantFrom('a', 'b', 'c d', 'é', 'x.y', '"');
    const leaf = fc.oneof(
      fc.boolean(),
      fc.integer(),
      fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed()),
      fc.constant([]),
    );
    const { table } = fc.letrec((tie) => ({
      table: fc.dictionary(key, fc.oneof({ maxDepth: 4 }, leaf, tie('table')), { maxKeys: 4 }),
    }));
    const path = fc.array(key, { minLength: 1, maxLength: 4 });
    const property = fc.property(
      table,
      path,
      fc.oneof(fc.boolean(), fc.integer()),
      (value, at, wanted) => {
        const text = stringify(value);
        let after: string;
        try {
          after = setValue(text, at, wanted);
        } catch {
          return;
        }
        expect(rawValueAt(after, at)).toBe(String(wanted));
        // Whether it is only that is asserted within; here, that taking it out again leaves the rest.
        if (rawValueAt(text, at) !== null) return;
        expect(withoutEmpty(parse(removeValue(after, at, true)))).toEqual(
          withoutEmpty(parse(text)),
        );
      },
    );
    fc.assert(property);
  });
});

describe('a text that is no TOML', () => {
  it('is refused, whatever it is, and nothing waits for its end', () => {
    const text = fc.string({
      unit: fc.constantFrom('[', ']', '{', '}', '=', ',', '"', "'", '#', 'a', '.', '\n', ' '),
      maxLength: 30,
    });
    const property = fc.property(text, (hostile) => {
      rawValueAt(hostile, ['a']);
      valueOrAgentError(() => setValue(hostile, ['a', 'b'], 1));
      valueOrAgentError(() => removeValue(hostile, ['a'], true));
    });
    fc.assert(property, { numRuns: runs(2000) });
  });
});

describe('removing a value', () => {
  it.each(FORMS.filter(([, before]) => rawValueAt(before, PATH) === null))(
    'gives back the text that had none, in %s',
    (_, before, after) => {
      const isTableOurs = !before.includes(IMAGES) || before.includes('registry]');
      const removed = removeValue(
        after,
        PATH,
        isTableOurs && !before.startsWith('[plugins."io.containerd.cri.v1.images"]\n'),
      );
      // An end of line that was missing, and spaces between braces, are no loss.
      expect(removed.trimEnd()).toBe(before.trimEnd().replace('= {}', '= { }'));
    },
  );

  it.each([
    ['the first of an inline table', 'a = { b = 1, c = 2 }', 'a = { c = 2 }'],
    ['the last of one', 'a = { c = 2, b = 1 }', 'a = { c = 2 }'],
    ['a value of several lines', '[a]\nb = [\n1,\n]\nc = 2\n', '[a]\nc = 2\n'],
  ])('takes out %s', (_, before, after) => {
    expect(removeValue(before, ['a', 'b'], false)).toBe(after);
  });

  it('leaves a header that others use, or that was theirs', () => {
    expect(removeValue('[a]\nb = 1\nc = 2\n', ['a', 'b'], true)).toBe('[a]\nc = 2\n');
    expect(removeValue('[a]\n# theirs\nb = 1\n', ['a', 'b'], true)).toBe('[a]\n# theirs\n');
    expect(removeValue('[a]\nb = 1\n', ['a', 'b'], false)).toBe('[a]\n');
  });

  it('does nothing where there is nothing', () => {
    expect(removeValue('[a]\nc = 1\n', ['a', 'b'], true)).toBe('[a]\nc = 1\n');
  });
});

function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, withoutEmpty(inner)] as const);
  const kept = entries.filter(([, inner]) => JSON.stringify(inner) !== '{}');
  return Object.fromEntries(kept);
}
