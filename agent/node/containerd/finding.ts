// What keeps containerd from asking its image verifiers, or may: the closed set of findings.

/**
 * Every code with one sentence saying when it arises. Codes are stable: they are metric label values
 * and causes of the enforcement state, and README's table is checked against this one.
 */
export const FINDINGS = {
  containerd_too_old:
    'containerd is older than 2.1: 2.0 asks verifiers for `ctr` only, 1.x does not know them.',
  containerd_version_unknown:
    'containerd tells a version that cannot be read, so what it does is not known.',
  containerd_replaced:
    'The program of the running containerd has been replaced on the disk since it started.',
  config_changed_since_start:
    'A configuration file of containerd has changed since it started, and is not in force yet.',
  config_import_missing:
    'The configuration imports a file that does not exist: containerd would not start again.',
  drop_in_version:
    'A drop-in states a higher version than the root file, which makes containerd 2.0 to 2.2 lose settings of the root file.',
  drop_in_not_imported:
    'There are drop-ins in /etc/containerd/conf.d that the root file does not import.',
  cri_unavailable: 'The CRI plugin is disabled, or containerd has none: kubelet cannot pull.',

  use_local_image_pull: 'CRI is set to pull by itself (`use_local_image_pull`).',
  disable_snapshot_annotations:
    '`disable_snapshot_annotations` is false, for which CRI pulls by itself.',
  discard_unpacked_layers: '`discard_unpacked_layers` is true, for which CRI pulls by itself.',
  registry_mirrors:
    '`registry.mirrors` is set in the CRI configuration, for which CRI pulls by itself.',
  registry_configs:
    '`registry.configs` is set in the CRI configuration, for which CRI pulls by itself.',
  registry_auths:
    '`registry.auths` is set in the CRI configuration, for which CRI pulls by itself.',
  max_concurrent_downloads:
    '`max_concurrent_downloads` of CRI is not 3, for which CRI pulls by itself.',
  image_pull_with_sync_fs: '`image_pull_with_sync_fs` is true, for which CRI pulls by itself.',

  verifier_plugin_disabled: 'The plugin that runs image verifiers is disabled.',
  transfer_plugin_disabled: 'The transfer plugin, through which verified pulls go, is disabled.',
  max_verifiers: '`max_verifiers` is 0, or smaller than the number of entries in `bin_dir`.',
  per_verifier_timeout: '`per_verifier_timeout` is shorter than the verifier may need.',
  bin_dir_elsewhere: 'containerd looks for verifiers in another directory than ours is in.',
  bin_dir_unusable:
    '`bin_dir` is empty, relative, or holds `..` or control characters: our verifier is not put there.',
  bin_dir_unreadable: '`bin_dir` is not a directory, so that containerd refuses every pull.',
  bin_dir_noexec:
    '`bin_dir` is on a file system mounted with `noexec`, so that containerd refuses every pull.',
  verifier_missing: 'Our verifier is not in `bin_dir`.',
  verifier_broken:
    'An entry of `bin_dir` cannot be executed, so that containerd refuses every pull.',
  other_verifier: 'Another verifier is in `bin_dir` and must allow each pull too.',

  lazy_snapshotter:
    'CRI uses a snapshotter in another process, which fetches content of its own accord.',
  platform_config_generated:
    'The platform writes containerd’s configuration anew, so that a change made by hand is lost.',
  platform_read_only:
    'The platform does not let programs be added where containerd looks for them.',
} as const;

export type FindingCode = keyof typeof FINDINGS;

/**
 * `bypass`: pulls are not judged by our verifier. `blocks`: pulls fail, or will, signed or not.
 * `warning`: neither yet, or not known.
 */
export type FindingEffect = 'bypass' | 'blocks' | 'warning';

export interface Finding {
  readonly code: FindingCode;
  readonly effect: FindingEffect;
  /** The setting, where it stands, what was found and what that does. */
  readonly message: string;
  /** What to do about it, in one or two sentences. */
  readonly remedy: string;
  /** `install --configure-containerd` can mend it without taking anything away. */
  readonly isFixable: boolean;
}
