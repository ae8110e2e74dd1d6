// Names of plugins, which become paths.
import fc from 'fast-check';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isPluginName } from '../../../agent/notation/plugin/plugin-name.ts';

describe('the name of a plugin', () => {
  it.each(['com.example.plugin', 'a', '_', '...', '-x', 'A-b_c.1', 'x'.repeat(246)])(
    'may be %s',
    (name) => {
      expect(isPluginName(name)).toBe(true);
    },
  );

  it.each([
    '',
    '.',
    '..',
    '../x',
    'x/y',
    '/x',
    'x\0',
    'x y',
    ' x',
    'x\n',
    'ä',
    'x\\y',
    '$x',
    'x'.repeat(247),
  ])('must not be %j', (name) => {
    expect(isPluginName(name)).toBe(false);
  });

  it('is one component of a path, whatever it is', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[a.\-_/]{0,8}$/));
    fc.assert(
      fc.property(text, (name) => {
        fc.pre(isPluginName(name));
        expect(posix.dirname(posix.normalize(`/plugins/${name}`))).toBe('/plugins');
        expect(posix.basename(`/plugins/${name}`)).toBe(name);
      }),
    );
  });
});
