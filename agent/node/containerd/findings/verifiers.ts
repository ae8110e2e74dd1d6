// What keeps containerd from running our verifier once it means to verify: the plugin, its settings, its directory.
import { basename, dirname, normalize } from 'node:path';
import { show } from '../../../oci/show.ts';
import type { BinDir, BinDirEntry } from '../bin-dir.ts';
import { binDirFault } from '../effective-bin-dir.ts';
import type { Finding } from '../finding.ts';
import { listNames } from './list-names.ts';
import { type PullSettings, TRANSFER_PLUGIN, VERIFIER_PLUGIN } from '../pull-settings.ts';
import { isAtLeast } from '../version.ts';

/**
 * The verifier gives itself 8.5 s and answers then at the latest; it and a busy node need time to
 * start and to write. containerd's own default is 10 s.
 */
export const NEEDED_TIMEOUT_MS = 9_500;

/** Whether the plugins take part at all. */
export function pluginFindings(settings: PullSettings, version: string): readonly Finding[] {
  const findings: Finding[] = [];
  if (settings.disabledPlugins.includes(VERIFIER_PLUGIN)) {
    // containerd#12893: from 2.3 on nothing requires it any more.
    const isSilent = isAtLeast(version, [2, 3]);
    findings.push({
      code: 'verifier_plugin_disabled',
      effect: isSilent ? 'bypass' : 'blocks',
      message: `disabled_plugins names ${VERIFIER_PLUGIN}: ${isSilent ? 'no verifier is run' : 'the transfer service and CRI do not load without it'}.`,
      remedy:
        'Remove it from disabled_plugins in every configuration file (imports add to the list and cannot take from it) and restart containerd.',
      isFixable: false,
    });
  }
  if (settings.disabledPlugins.includes(TRANSFER_PLUGIN)) {
    findings.push({
      code: 'transfer_plugin_disabled',
      effect: 'blocks',
      message: `disabled_plugins names ${TRANSFER_PLUGIN}: CRI cannot pull through it.`,
      remedy: 'Remove it from disabled_plugins and restart containerd.',
      isFixable: false,
    });
  }
  return findings;
}

/** Whether what is in `bin_dir` is run, ours among it, and long enough. `verifierFile` is where ours was installed. */
export function binDirFindings(
  settings: PullSettings,
  binDir: BinDir,
  verifierFile: string,
): readonly Finding[] {
  const own = ownFindings(binDir, verifierFile);
  const entries = Array.isArray(binDir.entries) ? (binDir.entries as readonly BinDirEntry[]) : [];
  return [
    ...own,
    ...noexecFindings(binDir, entries),
    ...entryFindings(entries, binDir.path, basename(verifierFile)),
    ...countFindings(settings.verifier.maxVerifiers, entries, basename(verifierFile)),
    ...timeoutFindings(settings.verifier.timeoutMs),
  ];
}

function ownFindings({ path, entries }: BinDir, verifierFile: string): readonly Finding[] {
  const where = `plugins."${VERIFIER_PLUGIN}".bin_dir is ${show(path)}`;
  if (entries === 'unreadable') {
    const message = `${where}, which is not a directory that can be read: containerd refuses every pull.`;
    const remedy = 'Remove what is there, or set bin_dir to the directory of our verifier.';
    return [{ code: 'bin_dir_unreadable', effect: 'blocks', message, remedy, isFixable: false }];
  }
  const fault = binDirFault(path);
  if (fault !== null) {
    const message = `${where}: ${fault}, so our verifier is not put there but is ${verifierFile}.`;
    const remedy = `Set bin_dir to ${dirname(verifierFile)} and restart containerd.`;
    return [{ code: 'bin_dir_unusable', effect: 'bypass', message, remedy, isFixable: false }];
  }
  if (normalize(`${path}/`) !== normalize(`${dirname(verifierFile)}/`)) {
    return [
      {
        code: 'bin_dir_elsewhere',
        effect: 'bypass',
        message: `${where}, but our verifier was installed as ${verifierFile}.`,
        remedy: `Leave NODESEAL_BIN_DIR unset, so that nodeseal follows containerd, and run nodeseal install. If that directory is one of network plugins or of other programs, set bin_dir back instead: containerd executes everything in it on each pull.`,
        isFixable: false,
      },
    ];
  }
  if (entries?.some(({ name }) => name === basename(verifierFile)) === true) return [];
  const message = `${where}, and ${basename(verifierFile)} is not in it: ${entries === null || entries.length === 0 ? 'every pull is allowed' : 'only others are asked'}.`;
  const remedy = 'Run nodeseal install.';
  return [{ code: 'verifier_missing', effect: 'bypass', message, remedy, isFixable: false }];
}

function noexecFindings(
  { path, isNoexec }: BinDir,
  entries: readonly BinDirEntry[],
): readonly Finding[] {
  if (!isNoexec || entries.length === 0) return [];
  return [
    {
      code: 'bin_dir_noexec',
      effect: 'blocks',
      message: `${path} is on a file system mounted with noexec: containerd cannot execute what is in it and refuses every pull.`,
      remedy:
        'Set bin_dir to a directory where programs may be executed, install there, and restart containerd.',
      isFixable: false,
    },
  ];
}

/** Of ours and of others: one finding for all that can only fail, one for all that have a say. */
function entryFindings(
  entries: readonly BinDirEntry[],
  path: string,
  own: string,
): readonly Finding[] {
  const broken = entries.filter(({ kind }) => kind === 'broken').map(({ name }) => name);
  const others = entries
    .filter(({ name, kind }) => kind === 'executable' && name !== own)
    .map(({ name }) => name);
  const findings: Finding[] = [];
  if (broken.length > 0) {
    findings.push({
      code: 'verifier_broken',
      effect: 'blocks',
      message: `${path} holds ${listNames(broken)}, which cannot be executed: containerd refuses every pull for it.`,
      remedy: `Move it out of that directory, whatever its name${broken.includes(own) ? '; nodeseal install puts ours back' : ''}.`,
      isFixable: false,
    });
  }
  if (others.length > 0) {
    findings.push({
      code: 'other_verifier',
      effect: 'warning',
      message: `${path} holds ${listNames(others)}, not ours: containerd executes it on each pull too, and it can refuse images that our policy allows.`,
      remedy: 'Keep it if it is meant to be there; else move it out of that directory.',
      isFixable: false,
    });
  }
  return findings;
}

/** containerd runs the first ones by name, and says nothing of the rest but a warning per pull. */
function countFindings(
  maxVerifiers: number,
  entries: readonly BinDirEntry[],
  own: string,
): readonly Finding[] {
  if (maxVerifiers < 0 || (maxVerifiers > 0 && entries.length <= maxVerifiers)) return [];
  const isRun = entries.slice(0, maxVerifiers).some(({ name }) => name === own);
  const what = `plugins."${VERIFIER_PLUGIN}".max_verifiers is ${maxVerifiers}`;
  const message =
    maxVerifiers === 0
      ? `${what}: containerd runs no verifier and allows every pull.`
      : `${what}, and bin_dir has ${entries.length} entries: containerd runs the first ones by name${isRun ? ', ours among them' : ', not ours'}.`;
  const remedy = 'Remove the line, or raise the number, and restart containerd.';
  const effect = isRun ? 'warning' : 'bypass';
  return [{ code: 'max_verifiers', effect, message, remedy, isFixable: true }];
}

function timeoutFindings(timeoutMs: number): readonly Finding[] {
  if (timeoutMs >= NEEDED_TIMEOUT_MS) return [];
  const isNever = timeoutMs <= 0;
  return [
    {
      code: 'per_verifier_timeout',
      effect: isNever ? 'blocks' : 'warning',
      message: `plugins."${VERIFIER_PLUGIN}".per_verifier_timeout is ${timeoutMs} ms: ${isNever ? 'containerd refuses every pull' : 'containerd kills the verifier before it has given its reason where a registry is slow, and refuses the pull'}.`,
      remedy: `Set it to 10s or more (at least ${NEEDED_TIMEOUT_MS} ms) and restart containerd.`,
      isFixable: true,
    },
  ];
}
