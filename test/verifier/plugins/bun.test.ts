// Plugins as the pull verifier runs them: by Bun, whose child processes are not those of Node.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  installPlugin,
  PLUGIN_NAME,
  PLUGIN_VERSION,
  type PluginConduct,
} from '../../support/verification-plugin.ts';
import { expectGone, pluginsDirectory } from './fixture.ts';

const run = promisify(execFile);
const PROBE = fileURLToPath(new URL('../../support/plugin-probe.ts', import.meta.url));
const BUN = fileURLToPath(new URL('../../../node_modules/.bin/bun', import.meta.url));
/** As for the tests under Node: one of them waits for it, the others must not meet it. */
const TIMEOUT_MS = 3_000;

describe('under Bun', () => {
  const directory = pluginsDirectory();
  const probe = async () => {
    const { stdout } = await run(BUN, [PROBE, directory(), PLUGIN_NAME, String(TIMEOUT_MS)]);
    return stdout;
  };

  it.each<[string, PluginConduct, string]>([
    ['answers well is found', { kind: 'answer' }, PLUGIN_VERSION],
    ['logs a lot is found', { kind: 'talk', bytes: 1_000_000 }, PLUGIN_VERSION],
    ['leaves a process behind is found', { kind: 'leave', inGroup: true }, PLUGIN_VERSION],
    ['floods is refused', { kind: 'flood' }, 'plugin_invalid'],
    ['fails is refused', { kind: 'fail', exitCode: 1, stderr: '' }, 'plugin_failed'],
    ['is killed is refused', { kind: 'signal' }, 'plugin_failed'],
    ['hangs is killed', { kind: 'hang' }, 'plugin_timeout'],
  ])('a plugin that %s', async (_, metadata, outcome) => {
    const plugin = installPlugin(directory(), { metadata });
    expect(await probe()).toBe(outcome);
    await expectGone(plugin);
  });

  it('a plugin that is not there is missing', async () => {
    expect(await probe()).toBe('plugin_missing');
  });
});
