// The environment variables that a program which is not ours is started with.

/**
 * What a program needs to find its files and reach the network. Everything else that our own
 * environment holds, secrets among it, is none of its business.
 */
const PASSED: readonly string[] = [
  'HOME',
  'LANG',
  'LC_ALL',
  'PATH',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'TMPDIR',
  'TZ',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
];

/** containerd may start a pull verifier without one, and programs that are scripts need it. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Selects from our own variables those that a program is to have; `more` names others of them. */
export function programEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  more: readonly string[] = [],
): Readonly<Record<string, string>> {
  const passed = [...PASSED, ...more].flatMap((name) => {
    const value = own[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { PATH: DEFAULT_PATH, ...Object.fromEntries(passed) };
}
