// Which directories of hosts.toml files are for a registry, in the order in which containerd looks for one.

/**
 * Below `root`; the first that exists is the one, and `_default` is for every registry without its
 * own. The registry must be as `parseReference` gave it, which keeps it safe in a path.
 */
export function hostDirectories(root: string, registry: string): readonly string[] {
  const colon = registry.lastIndexOf(':');
  const named = [registry, '_default'];
  if (colon > 0) named.unshift(`${registry.slice(0, colon)}_${registry.slice(colon + 1)}_`);
  return named.map((name) => `${root.replace(/\/+$/, '')}/${name}`);
}

/** containerd's `config_path`: directories separated by colons, as in PATH. */
export function splitHostsPath(configPath: string): readonly string[] {
  return configPath.split(':').filter((path) => path.startsWith('/'));
}
