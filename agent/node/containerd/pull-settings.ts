// The settings of containerd that decide whether a pull is verified, out of everything that it dumps.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import { parseGoDuration } from '../../go-duration.ts';
import { TomlSection, type TomlTable } from './toml.ts';

export const VERIFIER_PLUGIN = 'io.containerd.image-verifier.v1.bindir';
export const TRANSFER_PLUGIN = 'io.containerd.transfer.v1.local';
export const IMAGES_PLUGIN = 'io.containerd.cri.v1.images';
export const RUNTIME_PLUGIN = 'io.containerd.cri.v1.runtime';

export interface PullSettings {
  readonly verifier: VerifierSettings;
  /** Null when the dump has no settings of CRI images: a containerd before 2.0, or one without CRI. */
  readonly images: ImageSettings | null;
  readonly disabledPlugins: readonly string[];
  /** Proxy plugins that are snapshotters. */
  readonly proxySnapshotters: readonly string[];
}

export interface VerifierSettings {
  readonly binDir: string;
  /** Negative for no limit. */
  readonly maxVerifiers: number;
  readonly timeoutMs: number;
}

export interface ImageSettings {
  readonly useLocalImagePull: boolean;
  readonly disableSnapshotAnnotations: boolean;
  readonly discardUnpackedLayers: boolean;
  readonly imagePullWithSyncFs: boolean;
  readonly maxConcurrentDownloads: number;
  /** The registries named in tables that CRI had before hosts.toml. */
  readonly mirrors: readonly string[];
  readonly configs: readonly string[];
  readonly auths: readonly string[];
  /** Each snapshotter that CRI uses for some runtime, once; the default one first. */
  readonly snapshotters: readonly string[];
}

/**
 * Picks the settings out of the values of a dump; what is absent has containerd's default. Throws
 * `containerd_config_invalid` for a value that containerd itself would not start with.
 */
export function parsePullSettings(values: TomlTable): PullSettings {
  const root = new TomlSection(values);
  const plugins = root.section('plugins');
  const proxies = root.section('proxy_plugins');
  return {
    verifier: parseVerifier(plugins.section(VERIFIER_PLUGIN)),
    images: plugins.has(IMAGES_PLUGIN)
      ? parseImages(plugins.section(IMAGES_PLUGIN), plugins.section(RUNTIME_PLUGIN))
      : null,
    disabledPlugins: root.texts('disabled_plugins'),
    proxySnapshotters: proxies.keys.filter(
      (name) => proxies.section(name).text('type', '') === 'snapshot',
    ),
  };
}

function parseVerifier(section: TomlSection): VerifierSettings {
  const text = section.text('per_verifier_timeout', '10s');
  const timeoutMs = parseGoDuration(text);
  if (timeoutMs === null) {
    const fault = `expected a duration such as 10s, found ${show(text)}`;
    throw new AgentError(
      'containerd_config_invalid',
      `containerd configuration: plugins.${VERIFIER_PLUGIN}.per_verifier_timeout: ${fault}`,
    );
  }
  return {
    binDir: section.text('bin_dir', '/opt/containerd/image-verifier/bin'),
    maxVerifiers: section.number('max_verifiers', 10),
    timeoutMs,
  };
}

function parseImages(images: TomlSection, runtime: TomlSection): ImageSettings {
  const registry = images.section('registry');
  return {
    useLocalImagePull: images.flag('use_local_image_pull', false),
    disableSnapshotAnnotations: images.flag('disable_snapshot_annotations', true),
    discardUnpackedLayers: images.flag('discard_unpacked_layers', false),
    imagePullWithSyncFs: images.flag('image_pull_with_sync_fs', false),
    maxConcurrentDownloads: images.number('max_concurrent_downloads', 3),
    mirrors: registry.section('mirrors').keys,
    configs: registry.section('configs').keys,
    auths: registry.section('auths').keys,
    snapshotters: snapshottersOf(images, runtime),
  };
}

/** A runtime may have its own, said in either plugin; empty means the default one. */
function snapshottersOf(images: TomlSection, runtime: TomlSection): readonly string[] {
  const platforms = images.section('runtime_platforms');
  const runtimes = runtime.section('containerd').section('runtimes');
  const named = [
    images.text('snapshotter', 'overlayfs'),
    ...platforms.keys.map((name) => platforms.section(name).text('snapshotter', '')),
    ...runtimes.keys.map((name) => runtimes.section(name).text('snapshotter', '')),
  ];
  return [...new Set(named)].filter((name) => name !== '');
}
