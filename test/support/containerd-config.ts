// Configurations of containerd, written for each of its versions, and the trees of the platforms that ship them.
import { stringify, type TomlTable } from 'smol-toml';
import type { ConfigVersion } from '../../agent/node/containerd/effective-config.ts';
import { IMAGES_PLUGIN, VERIFIER_PLUGIN } from '../../agent/node/containerd/pull-settings.ts';

/** The plugin that held everything of CRI up to version 2. */
const CRI_PLUGIN = 'io.containerd.grpc.v1.cri';

/** Version 2 keeps these one table further down. */
const BELOW_CONTAINERD = new Set([
  'snapshotter',
  'disable_snapshot_annotations',
  'discard_unpacked_layers',
]);

export interface ConfigOptions {
  /** Default: 3. Null leaves the line out. */
  readonly version?: ConfigVersion | null;
  /** Keys of CRI images as versions 3 and 4 have them; written where `version` has them. */
  readonly images?: TomlTable;
  readonly verifier?: TomlTable;
  /** Further plugins by their whole name. */
  readonly plugins?: TomlTable;
  /** Keys of the document itself. */
  readonly root?: TomlTable;
}

/** The text of a configuration file. */
export function containerdConfig(options: ConfigOptions = {}): string {
  const { version = 3, images = {}, verifier, plugins = {}, root = {} } = options;
  const table: TomlTable = {
    ...(version === null ? {} : { version }),
    ...root,
    plugins: {
      ...(version === 2 ? { [CRI_PLUGIN]: criOf(images) } : { [IMAGES_PLUGIN]: images }),
      ...(verifier === undefined ? {} : { [VERIFIER_PLUGIN]: verifier }),
      ...plugins,
    },
  };
  return stringify(table);
}

function criOf(images: TomlTable): TomlTable {
  const entries = Object.entries(images);
  const below = entries.filter(([key]) => BELOW_CONTAINERD.has(key));
  const beside = entries.filter(([key]) => !BELOW_CONTAINERD.has(key));
  // As every real one has: without a table of runtimes, containerd's migration leaves all of these out.
  const runtimes = { runc: { runtime_type: 'io.containerd.runc.v2' } };
  return { ...Object.fromEntries(beside), containerd: { ...Object.fromEntries(below), runtimes } };
}

/** What `containerd config dump` would print of it: the settings that count, defaults included. */
export function dumpOf(options: ConfigOptions = {}): string {
  const { images = {}, verifier = {} } = options;
  return containerdConfig({
    ...options,
    version: options.version === 4 ? 4 : 3,
    images: {
      snapshotter: 'overlayfs',
      disable_snapshot_annotations: true,
      discard_unpacked_layers: false,
      max_concurrent_downloads: 3,
      image_pull_with_sync_fs: false,
      use_local_image_pull: false,
      registry: { config_path: '' },
      ...images,
    },
    verifier: {
      bin_dir: '/opt/containerd/image-verifier/bin',
      max_verifiers: 10,
      per_verifier_timeout: '10s',
      ...verifier,
    },
  });
}

/** The seven settings that make CRI pull by itself, each by the code of its finding, and the one that says so. */
export const FALLBACK_TRIGGERS: readonly {
  readonly code: string;
  readonly images: TomlTable;
}[] = [
  { code: 'use_local_image_pull', images: { use_local_image_pull: true } },
  { code: 'disable_snapshot_annotations', images: { disable_snapshot_annotations: false } },
  { code: 'discard_unpacked_layers', images: { discard_unpacked_layers: true } },
  {
    code: 'registry_mirrors',
    images: {
      registry: { mirrors: { 'elsewhere.example': { endpoint: ['http://127.0.0.1:9'] } } },
    },
  },
  {
    code: 'registry_configs',
    images: {
      registry: { configs: { 'elsewhere.example': { auth: { username: 'u', password: 'p' } } } },
    },
  },
  {
    code: 'registry_auths',
    images: { registry: { auths: { 'https://elsewhere.example': { username: 'u' } } } },
  },
  { code: 'max_concurrent_downloads', images: { max_concurrent_downloads: 10 } },
  { code: 'image_pull_with_sync_fs', images: { image_pull_with_sync_fs: true } },
];
