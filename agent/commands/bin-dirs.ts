// Asks where the verifier goes: the running containerd, else the record of what is installed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { withDeadline } from '../deadline.ts';
import { AgentError } from '../errors.ts';
import { createContainerdClient } from '../node/containerd/client.ts';
import { createDump } from '../node/containerd/dump.ts';
import { type EffectiveBinDir, readEffectiveBinDir } from '../node/containerd/effective-bin-dir.ts';
import { readEffectiveConfig } from '../node/containerd/effective-config.ts';
import { type BinDirs, chooseBinDirs, readInstalledBinDirs } from '../node/host/bin-dirs.ts';
import { createHostReader } from '../node/host/host-reader.ts';

/** What was found. */
export interface FoundBinDirs {
  readonly binDirs: BinDirs;
  /** Where the record says that the verifier is. */
  readonly installed: readonly string[];
  /** `bin_dir_unusable`, where containerd's is not followed. */
  readonly refused: AgentError | null;
}

/** It takes 50 ms; nobody waits longer for a containerd that is stuck. */
const ASK_MS = 3_000;

/**
 * Finds where the verifier goes. A containerd that cannot be asked is no error: the verifier is then
 * where it was put before, or in containerd's default. Throws `host_write_failed` when the record
 * cannot be looked at.
 */
export async function findBinDirs(config: Config, signal: AbortSignal): Promise<FoundBinDirs> {
  const { hostRoot, binDir: set } = config;
  const installed = await readInstalledBinDirs(hostRoot);
  const asked = set === undefined ? await ask(config, signal) : null;
  const refused = asked instanceof AgentError && asked.code === 'bin_dir_unusable' ? asked : null;
  const effective = asked instanceof AgentError ? null : asked;
  return { binDirs: chooseBinDirs({ set, effective, installed }), installed, refused };
}

async function ask(
  { hostRoot, containerdSocket: socketPath }: Config,
  signal: AbortSignal,
): Promise<EffectiveBinDir | AgentError | null> {
  const socket = join(hostRoot, socketPath);
  if (!existsSync(socket)) return null;
  const client = createContainerdClient(socket);
  const host = createHostReader(hostRoot);
  try {
    return await withDeadline(signal, ASK_MS, async (within) => {
      const sources = { client, socketPath, host, dump: createDump(hostRoot) };
      return readEffectiveBinDir(await readEffectiveConfig(sources, within), host);
    });
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  } finally {
    client.close();
  }
}
