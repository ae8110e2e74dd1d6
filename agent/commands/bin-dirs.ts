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
import type { RegistryAccess } from '../node/containerd/registry-access.ts';
import { type BinDirs, chooseBinDirs, readInstalledBinDirs } from '../node/host/bin-dirs.ts';
import { createHostReader } from '../node/host/host-reader.ts';
import { readContainerdAccess } from './containerd-proxies.ts';

/** What was found. */
export interface FoundBinDirs {
  readonly binDirs: BinDirs;
  /** How containerd reaches registries; null where it cannot be asked. */
  readonly access: RegistryAccess | null;
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
  const { access, binDir } = await ask(config, signal);
  const isRefused = binDir instanceof AgentError && binDir.code === 'bin_dir_unusable';
  const effective = binDir instanceof AgentError ? null : binDir;
  return {
    binDirs: chooseBinDirs({ set, effective, installed }),
    ...{ access, installed },
    refused: set === undefined && isRefused ? binDir : null,
  };
}

interface Answers {
  readonly binDir: EffectiveBinDir | AgentError | null;
  readonly access: RegistryAccess | null;
}

const SILENT: Answers = { binDir: null, access: null };

async function ask(config: Config, signal: AbortSignal): Promise<Answers> {
  const { hostRoot, containerdSocket: socketPath } = config;
  const socket = join(hostRoot, socketPath);
  if (!existsSync(socket)) return SILENT;
  const client = createContainerdClient(socket);
  const host = createHostReader(hostRoot);
  try {
    return await withDeadline(signal, ASK_MS, async (within) => {
      const sources = { client, socketPath, host, dump: createDump(hostRoot) };
      const effective = await readEffectiveConfig(sources, within);
      const access = await readContainerdAccess(config, effective, host, within);
      return { access, binDir: await readEffectiveBinDir(effective, host).catch(refusal) };
    });
  } catch (error) {
    return { ...SILENT, binDir: refusal(error) };
  } finally {
    client.close();
  }
}

function refusal(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  throw error;
}
