// The environment variables that a verification plugin is started with.

/**
 * What a program needs to find its files and reach the network. Everything else that our own
 * environment holds, secrets among it, is none of a plugin's business; notation passes all of it.
 */
const PASSED: readonly string[] = [
  'HOME',
  'LANG',
  'LC_ALL',
  'NOTATION_CACHE',
  'NOTATION_CONFIG',
  'NOTATION_LIBEXEC',
  'PATH',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'TMPDIR',
  'TZ',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
];

/** containerd may start a pull verifier without one, and plugins that are scripts need it. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Selects from our own variables those that a plugin is to have. */
export function pluginEnvironment(
  own: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const passed = PASSED.flatMap((name) => {
    const value = own[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { PATH: DEFAULT_PATH, ...Object.fromEntries(passed) };
}
