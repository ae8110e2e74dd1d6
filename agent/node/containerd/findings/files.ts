// Whether the configuration on the disk is the one in force, and would be read again as it stands.
import type { ConfigFile } from '../config-files.ts';
import type { EffectiveConfig } from '../effective-config.ts';
import type { Finding } from '../finding.ts';
import { isAtLeast } from '../version.ts';
import { listNames } from './list-names.ts';
import { isoTime } from '../../../utc.ts';

/** When a process started is known to the second. */
const START_PRECISION_MS = 1_000;

/** Warnings all: by themselves they let no pull past. */
export function fileFindings(config: EffectiveConfig): readonly Finding[] {
  return [
    ...changeFindings(config),
    ...importFindings(config),
    ...versionFindings(config),
    ...orphanFindings(config),
  ];
}

/** The configuration files that changed after containerd started. */
export function filesNotInForce({ files, process }: EffectiveConfig): readonly ConfigFile[] {
  const since = process.startedAt.getTime() + START_PRECISION_MS;
  return files.filter(({ changedAt }) => changedAt.getTime() > since);
}

function changeFindings(config: EffectiveConfig): readonly Finding[] {
  const { process } = config;
  const findings: Finding[] = [];
  if (process.isReplaced) {
    findings.push({
      code: 'containerd_replaced',
      effect: 'warning',
      message: `${process.executable} is not the program any more that runs as process ${process.pid}: what is told here is what the new one makes of the configuration.`,
      remedy: 'Restart containerd.',
      isFixable: false,
    });
  }
  const changed = filesNotInForce(config);
  if (changed.length > 0) {
    findings.push({
      code: 'config_changed_since_start',
      effect: 'warning',
      message: `${listNames(changed.map(({ path }) => path))} changed after containerd started (${isoTime(process.startedAt)}), which still works by what was there before.`,
      remedy: 'Restart containerd.',
      isFixable: false,
    });
  }
  return findings;
}

function importFindings({ absentImports, configPath }: EffectiveConfig): readonly Finding[] {
  if (absentImports.length === 0) return [];
  return [
    {
      code: 'config_import_missing',
      effect: 'warning',
      message: `${configPath} imports ${listNames(absentImports)}, which does not exist: containerd would not start again.`,
      remedy: 'Remove the import, or write it with a star, which may match nothing.',
      isFixable: false,
    },
  ];
}

/**
 * containerd#12891. 2.3.0 to 2.3.4 do not start with such a drop-in, nor dump it, so that there is
 * nothing to find; the later ones migrate each file by itself.
 */
function versionFindings({ files, configPath, version }: EffectiveConfig): readonly Finding[] {
  const [root, ...dropIns] = files;
  const rootVersion = root?.version ?? null;
  if (rootVersion === null || isAtLeast(version, [2, 3])) return [];
  const higher = dropIns.filter((file) => (file.version ?? 0) > rootVersion);
  if (higher.length === 0) return [];
  const what = `${listNames(higher.map(({ path }) => path))} states a higher version than ${configPath} (${rootVersion})`;
  return [
    {
      code: 'drop_in_version',
      effect: 'warning',
      message: `${what}: containerd ${version} then does not migrate the root file and loses its settings of CRI.`,
      remedy: `Write it for version ${rootVersion}, or leave its version out.`,
      isFixable: false,
    },
  ];
}

function orphanFindings({ orphanDropIns, configPath }: EffectiveConfig): readonly Finding[] {
  if (orphanDropIns.length === 0) return [];
  return [
    {
      code: 'drop_in_not_imported',
      effect: 'warning',
      message: `${listNames(orphanDropIns)} is not imported by ${configPath}: containerd does not read it, whatever its dump says of imports.`,
      remedy: `Add imports = ["/etc/containerd/conf.d/*.toml"] to ${configPath}, or remove it.`,
      isFixable: false,
    },
  ];
}
