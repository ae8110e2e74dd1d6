// The `bin_dir` that containerd's configuration comes to, and whether the running containerd surely works by it.
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { EffectiveConfig } from './effective-config.ts';
import type { HostReader } from './host-reader.ts';
import { parsePullSettings, VERIFIER_PLUGIN } from './pull-settings.ts';

/** A directory of the host. */
export interface EffectiveBinDir {
  /** Absolute, without `.`, `..` or a slash at its end. */
  readonly path: string;
  /** False also where that is not sure: containerd may still look where the files said before. */
  readonly isInForce: boolean;
  /** `per_verifier_timeout`. */
  readonly verifierTimeoutMs?: number;
}

/**
 * Takes `bin_dir` from a configuration. Throws `bin_dir_unusable` for one that no verifier is put
 * into, and `containerd_config_invalid`.
 */
export async function readEffectiveBinDir(
  config: EffectiveConfig,
  host: Pick<HostReader, 'stat'>,
): Promise<EffectiveBinDir> {
  const { binDir, timeoutMs } = parsePullSettings(config.values).verifier;
  const fault = binDirFault(binDir);
  if (fault !== null) {
    throw new AgentError(
      'bin_dir_unusable',
      `containerd configuration: plugins."${VERIFIER_PLUGIN}".bin_dir is ${show(binDir)}: ${fault}; set it to a directory for image verifiers alone, such as /opt/containerd/image-verifier/bin, and restart containerd`,
    );
  }
  const path = normalize(binDir).replace(/\/$/, '');
  return { path, isInForce: await isInForce(config, host), verifierTimeoutMs: timeoutMs };
}

/** Why no verifier is put into a `bin_dir`, or null. */
export function binDirFault(path: string): string | null {
  if (path === '') return 'containerd then asks no verifier';
  if (!isAbsolute(path)) return 'what it is relative to depends on how containerd was started';
  if (path.split('/').includes('..')) return 'where it leads depends on symbolic links';
  if (/\p{Cc}/u.test(path)) return 'it holds control characters';
  return normalize(path) === '/' ? 'containerd would execute what is in the root directory' : null;
}

/**
 * Whether neither a configuration file nor a directory where one may have been has changed since
 * containerd started. Where others, or we, write into such a directory too, it is no although it
 * could be yes. A symbolic link that was turned to another file is not noticed.
 */
async function isInForce(
  { files, configPath, process }: EffectiveConfig,
  host: Pick<HostReader, 'stat'>,
): Promise<boolean> {
  // A file that was removed is known by its directory alone.
  const isRootAbsent = !files.some(({ path }) => path === configPath);
  const directories = new Set([
    ...(isRootAbsent ? [dirname(configPath)] : []),
    ...files.flatMap(({ path, imports }) => imports.map((one) => directoryOf(path, one))),
  ]);
  const changes: (Date | null)[] = files.map(({ changedAt }) => changedAt);
  for (const directory of directories) changes.push(await changedAtOf(directory, host));
  return changes.every((changedAt) => changedAt !== null && changedAt < process.startedAt);
}

function directoryOf(importer: string, pattern: string): string {
  return dirname(isAbsolute(pattern) ? normalize(pattern) : join(dirname(importer), pattern));
}

/** Of a directory that is gone, that of the one which it was in. Null where nothing can be looked at. */
async function changedAtOf(
  directory: string,
  host: Pick<HostReader, 'stat'>,
): Promise<Date | null> {
  const entry = await host.stat(directory).catch(() => null);
  if (entry !== null) return entry.changedAt;
  return directory === '/' ? null : changedAtOf(dirname(directory), host);
}
