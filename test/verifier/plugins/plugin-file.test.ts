// Which files may be run as a plugin.
import {
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { locatePlugin } from '../../../agent/verifier/plugins/plugin-file.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { installPlugin, PLUGIN_NAME } from '../../support/verification-plugin.ts';
import { pluginsDirectory } from './fixture.ts';

/** Who is not root cannot give files away. */
const isRoot = process.geteuid?.() === 0;
const NOBODY = 65_534;

describe('the file of a plugin', () => {
  const directory = pluginsDirectory();
  const locate = (name = PLUGIN_NAME) => locatePlugin(directory(), name);

  it('is below the folder of its name', async () => {
    const { path } = installPlugin(directory());
    expect(path).toBe(join(directory(), PLUGIN_NAME, `notation-${PLUGIN_NAME}`));
    expect(await locate()).toBe(path);
  });

  it.each([0o500, 0o555, 0o700, 0o755])('may have the mode %o', async (mode) => {
    const { path } = installPlugin(directory());
    chmodSync(path, mode);
    chmodSync(dirname(path), mode | 0o500);
    expect(await locate()).toBe(path);
  });

  it('is missing where it is not installed, which is told', async () => {
    const error = await expectCodeAsync(locate(), 'plugin_missing');
    expect(error.message).toContain(`${directory()}/${PLUGIN_NAME}/notation-${PLUGIN_NAME}`);
    const { path } = installPlugin(directory());
    rmSync(path);
    await expectCodeAsync(locate(), 'plugin_missing');
    const gone = locatePlugin(join(directory(), 'gone'), PLUGIN_NAME);
    await expectCodeAsync(gone, 'plugin_missing');
  });

  it.each(['', '.', '..', `../${PLUGIN_NAME}`, `x/../${PLUGIN_NAME}`, `${PLUGIN_NAME}\0`, 'x\ny'])(
    'is not looked for by the name %j',
    async (name) => {
      installPlugin(directory());
      const error = await expectCodeAsync(locate(name), 'plugin_missing');
      expect(error.message).not.toContain('\n');
    },
  );

  it('must not be a link, nor be in one', async () => {
    const { path } = installPlugin(directory());
    renameSync(path, `${path}.real`);
    symlinkSync(`${path}.real`, path);
    await expectCodeAsync(locate(), 'plugin_invalid');
    renameSync(`${path}.real`, path);
    expect(await locate()).toBe(path);

    const folder = dirname(path);
    renameSync(folder, `${folder}.real`);
    symlinkSync(`${folder}.real`, folder);
    await expectCodeAsync(locate(), 'plugin_invalid');
  });

  it('may be reached by a link to the folder of plugins, which whoever runs us has chosen', async () => {
    installPlugin(directory());
    const link = join(directory(), 'link');
    symlinkSync(directory(), link);
    expect(await locatePlugin(link, PLUGIN_NAME)).toContain(`${link}/`);
  });

  it('must be a regular file in a directory', async () => {
    const { path } = installPlugin(directory());
    rmSync(path);
    mkdirSync(path);
    await expectCodeAsync(locate(), 'plugin_invalid');
    const folder = dirname(path);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, '');
    await expectCodeAsync(locate(), 'plugin_invalid');
  });

  it('must be executable', async () => {
    const { path } = installPlugin(directory());
    chmodSync(path, 0o644);
    await expectCodeAsync(locate(), 'plugin_invalid');
  });

  it.each([0o775, 0o757, 0o777])(
    'must not be replaceable by others: mode %o on it or its folders',
    async (mode) => {
      const { path } = installPlugin(directory());
      for (const place of [path, dirname(path), directory()]) {
        chmodSync(place, mode);
        const error = await expectCodeAsync(locate(), 'plugin_invalid');
        expect(error.message).toContain(mode.toString(8));
        chmodSync(place, 0o755);
        expect(await locate()).toBe(path);
      }
    },
  );

  it.runIf(isRoot)('must not belong to others, nor its folders', async () => {
    const { path } = installPlugin(directory());
    for (const place of [path, dirname(path), directory()]) {
      chownSync(place, NOBODY, 0);
      await expectCodeAsync(locate(), 'plugin_invalid');
      chownSync(place, 0, NOBODY);
      expect(await locate()).toBe(path);
    }
  });
});
