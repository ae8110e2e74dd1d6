// Takes the break-glass file away once there is no verifier any more that would heed it.
import { lstat, readFile, rm } from 'node:fs/promises';
import { AgentError } from '../errors.ts';
import { NODE_HOST_FS } from '../node/host/host-fs.ts';
import { locate } from '../node/host/locate.ts';
import { isEncodedBreakGlass, MAX_BREAK_GLASS_BYTES } from '../pull/break-glass.ts';
import type { Host } from './host-install.ts';

/** `ours` is removed, or would be; `theirs` was written by hand and stays. */
export type BreakGlassLeft = 'absent' | 'ours' | 'theirs';

/** Removes the file if `nodeseal break-glass` wrote it; with `dryRun`, only tells. Throws `host_write_failed`. */
export async function removeBreakGlass(
  { root, layout }: Host,
  dryRun: boolean,
): Promise<BreakGlassLeft> {
  try {
    const here = await locate(NODE_HOST_FS, root, layout.breakGlassFile);
    const found = await lookAt(here);
    if (found === 'ours' && !dryRun) await rm(here, { force: true });
    return found;
  } catch (cause) {
    if (cause instanceof AgentError || !(cause instanceof Error && 'code' in cause)) throw cause;
    throw new AgentError('host_write_failed', `break-glass: ${cause.message}`, { cause });
  }
}

async function lookAt(here: string): Promise<BreakGlassLeft> {
  const stats = await lstat(here).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (stats === null) return 'absent';
  // A pipe would wait for a writer, and a link may lead anywhere.
  if (!stats.isFile() || stats.size > MAX_BREAK_GLASS_BYTES) return 'theirs';
  return isEncodedBreakGlass(await readFile(here)) ? 'ours' : 'theirs';
}
