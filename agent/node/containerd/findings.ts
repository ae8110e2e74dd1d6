// Everything about a node that keeps containerd from asking our verifier, or may: evidence in, findings out.
import type { BinDir } from './bin-dir.ts';
import type { EffectiveConfig } from './effective-config.ts';
import type { Finding } from './finding.ts';
import { fallbackFindings } from './findings/fallback.ts';
import { fileFindings } from './findings/files.ts';
import { isConfigOurs, platformFindings } from './findings/platforms.ts';
import { snapshotterFindings } from './findings/snapshotters.ts';
import { binDirFindings, pluginFindings } from './findings/verifiers.ts';
import type { PlatformName } from './platform.ts';
import { parsePullSettings, type PullSettings } from './pull-settings.ts';
import { isAtLeast, isSupported } from './version.ts';

export type { Finding, FindingCode, FindingEffect } from './finding.ts';

export interface NodeEvidence {
  readonly config: EffectiveConfig;
  /** Of the effective `bin_dir`. */
  readonly binDir: BinDir;
  readonly platforms: readonly PlatformName[];
  /** Where our verifier was, or will be, installed: a path of the host. */
  readonly verifierFile: string;
}

/**
 * All findings: what bypasses first, then what blocks, then warnings. Without any of the first two,
 * nothing is known that speaks against enforcement; only a canary proves it. Of a containerd that
 * asks no verifiers for CRI, only that is told. Throws `containerd_config_invalid` for settings that
 * containerd itself would not start with.
 */
export function findFindings(evidence: NodeEvidence): readonly Finding[] {
  const { config, binDir, platforms, verifierFile } = evidence;
  const version = versionFindings(config.version);
  if (version.length > 0) return sorted([...version, ...platformFindings(platforms)]);
  const settings = parsePullSettings(config.values);
  const findings = [
    ...criFindings(settings),
    ...fallbackFindings(settings),
    ...pluginFindings(settings, config.version),
    ...binDirFindings(settings, binDir, verifierFile),
    ...snapshotterFindings(settings),
    ...fileFindings(config),
    ...platformFindings(platforms),
  ];
  const isOurs = isConfigOurs(platforms);
  return sorted(findings.map((one) => ({ ...one, isFixable: one.isFixable && isOurs })));
}

function versionFindings(version: string): readonly Finding[] {
  if (isSupported(version)) return [];
  const remedy = 'Upgrade containerd to 2.2 or later.';
  if (!isAtLeast(version, [0, 0])) {
    const message = `containerd calls its version ${JSON.stringify(version)}: expected numbers such as 2.1.9.`;
    const code = 'containerd_version_unknown';
    return [{ code, effect: 'warning', message, remedy, isFixable: false }];
  }
  const does = isAtLeast(version, [2, 0])
    ? 'asks verifiers for pulls by ctr, but not for those of kubelet'
    : 'has no image verifiers';
  const message = `containerd ${version} ${does}; 2.1 is the first that does.`;
  return [{ code: 'containerd_too_old', effect: 'bypass', message, remedy, isFixable: false }];
}

const CRI_PLUGINS = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime',
];

function criFindings({ images, disabledPlugins }: PullSettings): readonly Finding[] {
  const disabled = CRI_PLUGINS.find((name) => disabledPlugins.includes(name));
  if (images !== null && disabled === undefined) return [];
  const found =
    disabled === undefined
      ? 'containerd’s dump has no settings of the plugin io.containerd.cri.v1.images'
      : `disabled_plugins names ${disabled}`;
  return [
    {
      code: 'cri_unavailable',
      effect: 'blocks',
      message: `${found}: kubelet cannot pull through this containerd.`,
      remedy:
        'Remove it from disabled_plugins and restart containerd, or give nodeseal the socket of the containerd that kubelet uses.',
      isFixable: false,
    },
  ];
}

const ORDER = ['bypass', 'blocks', 'warning'] as const;

function sorted(findings: readonly Finding[]): readonly Finding[] {
  return ORDER.flatMap((effect) => findings.filter((one) => one.effect === effect));
}
