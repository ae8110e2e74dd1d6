// Carries out a plan on the host, so that being killed anywhere leaves every file whole, old or new.
import { basename, dirname, join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { type Content, readContent } from './content.ts';
import { errnoOf, hostError } from './host-error.ts';
import type { HostFs } from './host-fs.ts';
import { locate, locateDirectory, lstatOrNull } from './locate.ts';
import type { Step } from './host-state.ts';

const STAGING_MODE = 0o700;
/** What every program of ours answers at once, and nothing else happens. */
const VERSION_QUESTION = '--version';

/**
 * Carries out the steps in order. On return everything is on the disk and no staging directory is
 * left. Throws `host_write_failed` naming the path, the errno and the remedy; what was done before
 * it stays, what failed left no trace in its place. The caller holds the host's lock.
 */
export async function applyPlan(
  fs: HostFs,
  hostRoot: string,
  steps: readonly Step[],
): Promise<void> {
  const host = { fs, root: hostRoot };
  const staging = new Set(
    steps.flatMap((step) => (step.kind === 'write' ? [step.stagingDir] : [])),
  );
  try {
    for (const step of steps) await applyStep(host, step);
  } catch (error) {
    for (const path of staging) {
      // The first error is the one to report; what cannot be cleaned up now, the next run cleans up.
      await clean(host, path).catch(() => undefined);
    }
    throw error;
  }
  for (const path of staging) await clean(host, path);
}

interface Host {
  readonly fs: HostFs;
  readonly root: string;
}

function applyStep(host: Host, step: Step): Promise<void> {
  switch (step.kind) {
    case 'clean':
      return clean(host, step.path);
    case 'mkdir':
      return attempt('create the directory', step.path, () => makeDirectory(host, step));
    case 'write':
      return attempt('write it', step.path, () => write(host, step));
    case 'chmod':
      return attempt('set its mode and owner', step.path, async () => {
        await host.fs.setAttributes(await locate(host.fs, host.root, step.path), step);
      });
    case 'remove':
      return attempt('remove it', step.path, () => remove(host, step.path));
    case 'rmdir':
      return attempt('remove the directory', step.path, () => removeDirectory(host, step.path));
  }
}

async function write(host: Host, step: Extract<Step, { kind: 'write' }>): Promise<void> {
  const { fs, root } = host;
  const target = await locate(fs, root, step.path);
  const stagingDir = await locate(fs, root, step.stagingDir);
  await makeStagingDirectory(host, step.stagingDir, stagingDir);
  await assertSameFilesystem(fs, step, stagingDir, dirname(target));
  const staged = join(stagingDir, basename(target));
  await fs.create(staged, readContent(await contentHere(host, step.content)), step);
  if (step.content.kind === 'file') await assertStarts(host, step, staged);
  await fs.rename(staged, target);
  await fs.syncDirectory(dirname(target));
}

async function contentHere({ fs, root }: Host, content: Content) {
  if (content.kind !== 'host') return content;
  const path = await locate(fs, root, content.path);
  return { kind: 'file', sha256: content.sha256, path } as const;
}

/** A process that was forked while we wrote holds the file open until it executes its program: microseconds. */
const MAX_STARTS = 20;

/**
 * What cannot be started would refuse every pull from the moment it is in `bin_dir`. It is started
 * where it is staged, on the filesystem it is for, so that a noexec mount shows too; once it has
 * started, nobody can hold it open for writing any more.
 */
async function assertStarts(
  { fs }: Host,
  step: Extract<Step, { kind: 'write' }>,
  staged: string,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await fs.start(staged, VERSION_QUESTION);
      return;
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'ETXTBSY' && attempt < MAX_STARTS) continue;
      throw notExecutable(step, errno ?? String(error), error);
    }
  }
}

function notExecutable(
  { path, stagingDir }: Extract<Step, { kind: 'write' }>,
  found: string,
  cause: unknown,
): AgentError {
  const remedy = remedyOf(found, dirname(stagingDir));
  return new AgentError(
    'verifier_not_executable',
    `host path ${path}: expected a program that starts, found ${found}; ${remedy}; nothing was put in its place`,
    { cause },
  );
}

function remedyOf(errno: string, directory: string): string {
  switch (errno) {
    case 'EACCES':
      return `programs cannot be executed from ${directory}: mount that filesystem without noexec, or set bin_dir of containerd to a directory of another one`;
    case 'ETXTBSY':
      return 'another process holds it open for writing: install once more';
    default:
      return 'it is not a program for this machine, or its interpreter is missing';
  }
}

async function makeStagingDirectory({ fs }: Host, path: string, here: string): Promise<void> {
  const stats = await lstatOrNull(fs, here, path);
  if (stats === null) await fs.mkdir(here, STAGING_MODE);
  else if (!stats.isDirectory()) {
    throw new AgentError('host_write_failed', `host path ${path}: expected a directory of ours`);
  }
}

/** Says it before tens of megabytes are copied; a bind mount of the same filesystem still ends in EXDEV. */
async function assertSameFilesystem(
  fs: HostFs,
  step: Extract<Step, { kind: 'write' }>,
  stagingDir: string,
  targetDir: string,
): Promise<void> {
  const [from, to] = [await fs.lstat(stagingDir), await fs.lstat(targetDir)];
  if (from.dev === to.dev) return;
  throw new AgentError(
    'host_write_failed',
    `host path ${step.path}: expected its directory on the filesystem of ${step.stagingDir}, found another; mount the directory above it, not the directory itself`,
  );
}

async function makeDirectory(
  { fs, root }: Host,
  step: Extract<Step, { kind: 'mkdir' }>,
): Promise<void> {
  const here = await locateDirectory(fs, root, step.path);
  try {
    await fs.mkdir(here, step.mode);
    // A parent with a set-group-ID bit would decide the group.
    await fs.setAttributes(here, step);
  } catch (error) {
    // Somebody made it since the plan; the write into it will tell whether it is a directory.
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  await fs.syncDirectory(dirname(here));
}

async function remove({ fs, root }: Host, path: string): Promise<void> {
  const here = await locate(fs, root, path);
  try {
    await fs.unlink(here);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  await fs.syncDirectory(dirname(here));
}

/** Not empty, in use as a mount point, or gone already: then it is not ours to remove. */
const KEPT: ReadonlySet<string | null> = new Set([
  'ENOTEMPTY',
  'EEXIST',
  'EBUSY',
  'ENOENT',
  'ENOTDIR',
]);

async function removeDirectory({ fs, root }: Host, path: string): Promise<void> {
  const here = await locate(fs, root, path);
  try {
    await fs.rmdir(here);
  } catch (error) {
    if (KEPT.has(errnoOf(error))) return;
    throw error;
  }
  await fs.syncDirectory(dirname(here));
}

/** Removes a staging directory with the files in it; it holds no directories. */
function clean({ fs, root }: Host, path: string): Promise<void> {
  return attempt('clean it up', path, async () => {
    const here = await locate(fs, root, path);
    const stats = await lstatOrNull(fs, here, path);
    if (stats === null) return;
    if (!stats.isDirectory()) {
      await fs.unlink(here);
      return;
    }
    for (const name of await fs.readdir(here)) await fs.unlink(join(here, name));
    await fs.rmdir(here);
  });
}

async function attempt(action: string, path: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw hostError(action, path, error);
  }
}
