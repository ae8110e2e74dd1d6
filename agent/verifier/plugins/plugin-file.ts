// Where a verification plugin is, and whether what is there may be run: plugin-extensibility.md, "Plugin installation path".
import type { Stats } from 'node:fs';
import { access, constants, lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { isPluginName } from '../../notation/plugin/plugin-name.ts';
import { show } from '../../oci/show.ts';

/** Group and others. Where there is an access control list, the group's bits are its mask. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Finds `{directory}/{name}/notation-{name}`. The file and its folder must not be links, "symlinks
 * are not supported", and neither these two nor `directory` may be owned or writable by anybody but
 * root and ourselves: who can replace the program decides what is trusted, and runs as us. What is
 * above `directory` is the business of whoever chose it. Throws `plugin_missing` or `plugin_invalid`.
 */
export async function locatePlugin(directory: string, name: string): Promise<string> {
  const what = `verification plugin ${show(name)}`;
  if (!isPluginName(name)) {
    throw new AgentError(
      'plugin_missing',
      `${what}: expected the name of a directory below ${directory}, found no such name`,
    );
  }
  const folder = join(directory, name);
  const file = join(folder, `notation-${name}`);
  try {
    assertProtected(await stat(directory), directory, what);
    await assertFolder(folder, what);
    await assertProgram(file, what);
  } catch (error) {
    throw toAgentError(error, file, what);
  }
  return file;
}

async function assertFolder(path: string, what: string): Promise<void> {
  const found = await lstat(path);
  if (!found.isDirectory()) throw invalid(what, path, 'a directory, which a link to one is not');
  assertProtected(found, path, what);
}

async function assertProgram(path: string, what: string): Promise<void> {
  const found = await lstat(path);
  if (!found.isFile()) throw invalid(what, path, 'a regular file, which a link to one is not');
  assertProtected(found, path, what);
  try {
    await access(path, constants.X_OK);
  } catch (cause) {
    throw invalid(what, path, 'a file that we may execute', cause);
  }
}

function assertProtected({ uid, mode }: Stats, path: string, what: string): void {
  if (uid !== 0 && uid !== process.geteuid?.()) {
    throw invalid(what, path, `owned by root or by ourselves, found user ${uid}`);
  }
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    const bits = (mode & 0o777).toString(8);
    throw invalid(what, path, `writable by its owner alone, found mode ${bits}`);
  }
}

function toAgentError(error: unknown, file: string, what: string): unknown {
  // A fault of ours has no code of the system, and must not pass for one of the plugin.
  if (error instanceof AgentError || !(error instanceof Error && 'code' in error)) return error;
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    const absent = `${what}: expected it to be installed as ${file}, found nothing there`;
    return new AgentError('plugin_missing', absent, { cause: error });
  }
  return invalid(what, file, `readable, found ${String(error.code)}`, error);
}

function invalid(what: string, path: string, expected: string, cause?: unknown): AgentError {
  return new AgentError('plugin_invalid', `${what}: expected ${path} to be ${expected}`, { cause });
}
