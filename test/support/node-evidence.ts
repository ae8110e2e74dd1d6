// Evidence about a healthy node, of which a test changes one thing.
import type { BinDirEntry } from '../../agent/node/containerd/bin-dir.ts';
import type { EffectiveConfig } from '../../agent/node/containerd/effective-config.ts';
import type { NodeEvidence } from '../../agent/node/containerd/findings.ts';
import type { PlatformName } from '../../agent/node/containerd/platform.ts';
import { parseToml } from '../../agent/node/containerd/toml.ts';
import { type ConfigOptions, dumpOf } from './containerd-config.ts';

const BIN_DIR = '/opt/containerd/image-verifier/bin';

export interface EvidenceChange {
  readonly version?: string;
  /** What the dump is of. */
  readonly config?: ConfigOptions;
  /** The dump itself. */
  readonly dump?: string;
  readonly effective?: Partial<EffectiveConfig>;
  readonly binDir?: string;
  readonly entries?: readonly BinDirEntry[] | null | 'unreadable';
  readonly isNoexec?: boolean;
  readonly platforms?: readonly PlatformName[];
}

export const STARTED_AT = new Date('2026-01-01T12:00:00Z');
export const OWN_ENTRY: BinDirEntry = { name: 'nodeseal-verifier', kind: 'executable' };

/** A node of containerd 2.1.9 with its default configuration and our verifier, but for the change. */
export function evidenceOf(change: EvidenceChange = {}): NodeEvidence {
  const { version = '2.1.9', config = {}, dump = dumpOf(config), effective = {} } = change;
  const { binDir = BIN_DIR, entries = [OWN_ENTRY], isNoexec = false, platforms = [] } = change;
  const configPath = '/etc/containerd/config.toml';
  return {
    config: {
      version,
      process: {
        pid: 100,
        commandLine: ['/usr/bin/containerd'],
        executable: '/usr/bin/containerd',
        isReplaced: false,
        configPath,
        startedAt: STARTED_AT,
      },
      configPath,
      configVersion: 3,
      files: [{ path: configPath, version: 3, imports: [], changedAt: STARTED_AT }],
      absentImports: [],
      orphanDropIns: [],
      values: parseToml(Buffer.from(dump), 'dump'),
      ...effective,
    },
    binDir: { path: binDir, entries, isNoexec },
    platforms,
    verifierFile: `${BIN_DIR}/nodeseal-verifier`,
  };
}
