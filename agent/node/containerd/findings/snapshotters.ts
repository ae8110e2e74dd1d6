// Snapshotters that fetch an image's content by themselves, after containerd has judged it or instead.
import { show } from '../../../oci/show.ts';
import type { Finding } from '../finding.ts';
import type { PullSettings } from '../pull-settings.ts';

/** Part of the name of those that are in use, also where they are built into containerd's process. */
const LAZY_NAMES = ['stargz', 'soci', 'nydus', 'overlaybd', 'gcfs', 'riptide', 'cvmfs', 'dadi'];

/** The lazy ones among those that CRI uses, by name. */
export function lazySnapshotters({ images, proxySnapshotters }: PullSettings): readonly string[] {
  const isLazy = (name: string): boolean =>
    proxySnapshotters.includes(name) || LAZY_NAMES.some((part) => name.includes(part));
  return (images?.snapshotters ?? []).filter(isLazy);
}

/** One for each lazy snapshotter in use. */
export function snapshotterFindings(settings: PullSettings): readonly Finding[] {
  return lazySnapshotters(settings).map((name) => ({
    code: 'lazy_snapshotter',
    effect: 'warning',
    message: `CRI uses the snapshotter ${show(name)}, another process that fetches layers when they are read: what it fetches is not seen by containerd, and most set-ups of it need disable_snapshot_annotations = false, for which CRI pulls past verifiers.`,
    remedy:
      'Use overlayfs where enforcement counts; or let a canary pull prove that this snapshotter is configured in the transfer service (unpack_config) and verifiers are asked.',
    isFixable: false,
  }));
}
