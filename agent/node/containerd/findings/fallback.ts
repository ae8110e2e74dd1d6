// The settings for which CRI pulls by itself, past every verifier: one that says so, and seven that do it without a word.
import type { Finding, FindingCode } from '../finding.ts';
import {
  type ImageSettings,
  IMAGES_PLUGIN,
  type PullSettings,
  TRANSFER_PLUGIN,
} from '../pull-settings.ts';
import { listNames } from './list-names.ts';
import { lazySnapshotters } from './snapshotters.ts';

interface Trigger {
  readonly code: FindingCode;
  readonly key: string;
  /** What was found, or null when it is as verified pulls need it. */
  readonly found: (images: ImageSettings) => string | null;
  readonly remedy: string;
  /** It can be set to the default without anything being lost. */
  readonly isFixable: boolean;
}

const HOSTS_TOML =
  'Describe these registries in hosts.toml files under registry.config_path (/etc/containerd/certs.d), give credentials by image pull secrets or kubelet’s credential providers, remove the tables and restart containerd.';

/** As containerd's CheckLocalImagePullConfigs has them, in 2.1 to 2.3. */
const TRIGGERS: readonly Trigger[] = [
  {
    code: 'use_local_image_pull',
    key: 'use_local_image_pull',
    found: ({ useLocalImagePull }) => (useLocalImagePull ? 'true' : null),
    remedy: 'Set it to false and restart containerd.',
    isFixable: true,
  },
  {
    code: 'disable_snapshot_annotations',
    key: 'disable_snapshot_annotations',
    found: ({ disableSnapshotAnnotations }) => (disableSnapshotAnnotations ? null : 'false'),
    remedy:
      'Set it to true, unless a lazy snapshotter needs the annotations, and restart containerd.',
    isFixable: true,
  },
  {
    code: 'discard_unpacked_layers',
    key: 'discard_unpacked_layers',
    found: ({ discardUnpackedLayers }) => (discardUnpackedLayers ? 'true' : null),
    remedy:
      'Set it to false and restart containerd; compressed layers then stay on the disk beside the unpacked ones.',
    isFixable: true,
  },
  {
    code: 'registry_mirrors',
    key: 'registry.mirrors',
    found: ({ mirrors }) => names(mirrors),
    remedy: HOSTS_TOML,
    isFixable: false,
  },
  {
    code: 'registry_configs',
    key: 'registry.configs',
    found: ({ configs }) => names(configs),
    remedy: HOSTS_TOML,
    isFixable: false,
  },
  {
    code: 'registry_auths',
    key: 'registry.auths',
    found: ({ auths }) => names(auths),
    remedy: HOSTS_TOML,
    isFixable: false,
  },
  {
    code: 'max_concurrent_downloads',
    key: 'max_concurrent_downloads',
    found: ({ maxConcurrentDownloads }) =>
      maxConcurrentDownloads === 3 ? null : String(maxConcurrentDownloads),
    remedy: `Set it to 3 and the wanted number as plugins."${TRANSFER_PLUGIN}".max_concurrent_downloads, and restart containerd.`,
    isFixable: true,
  },
  {
    code: 'image_pull_with_sync_fs',
    key: 'image_pull_with_sync_fs',
    found: ({ imagePullWithSyncFs }) => (imagePullWithSyncFs ? 'true' : null),
    remedy:
      'Set it to false and restart containerd; images pulled just before a power failure may then be damaged.',
    isFixable: false,
  },
];

/** Each trigger that is set: containerd names only the first of them, and none in its dump. */
export function fallbackFindings(settings: PullSettings): readonly Finding[] {
  const { images } = settings;
  if (images === null) return [];
  const needsAnnotations = lazySnapshotters(settings).length > 0;
  return TRIGGERS.flatMap(({ code, key, found, remedy, isFixable }) => {
    const value = found(images);
    if (value === null) return [];
    const message = `plugins."${IMAGES_PLUGIN}".${key} is ${value}: CRI pulls images by itself and asks no verifier.`;
    const isLoss = code === 'disable_snapshot_annotations' && needsAnnotations;
    return [{ code, effect: 'bypass', message, remedy, isFixable: isFixable && !isLoss }];
  });
}

function names(keys: readonly string[]): string | null {
  return keys.length === 0 ? null : `set for ${listNames(keys)}`;
}
