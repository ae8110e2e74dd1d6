// What the command line of a containerd says about its configuration.

/** Where containerd looks when its command line names no file. */
export const DEFAULT_CONFIG_PATH = '/etc/containerd/config.toml';

export interface CommandLine {
  /** Of the root configuration file; may be relative to the process's working directory. Null when none is named. */
  readonly configPath: string | null;
  /** Of the gRPC socket. Null when the configuration says. */
  readonly address: string | null;
  /** It is a subcommand such as `config dump`, and serves nobody. */
  readonly isSubcommand: boolean;
}

/** Serve nobody: those come and go beside the daemon. */
const SUBCOMMANDS: ReadonlySet<string> = new Set(['config', 'publish', 'oci-hook', 'help', 'h']);

/** The flags that take a value. */
const FLAGS: ReadonlyMap<string, 'configPath' | 'address' | null> = new Map([
  ['config', 'configPath'],
  ['c', 'configPath'],
  ['address', 'address'],
  ['a', 'address'],
  ['log-level', null],
  ['l', null],
  ['root', null],
  ['state', null],
]);

/**
 * Reads the arguments after the program's name as Go's flags are: one dash or two, `=` or the next
 * argument. What it does not know, it passes over.
 */
export function parseCommandLine(commandLine: readonly string[]): CommandLine {
  const found: { configPath: string | null; address: string | null } = {
    configPath: null,
    address: null,
  };
  const rest = commandLine.slice(1);
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const flag = /^--?(?<name>[^-=][^=]*)(?:=(?<value>.*))?$/s.exec(argument)?.groups;
    if (flag === undefined) {
      if (SUBCOMMANDS.has(argument)) return { ...found, isSubcommand: true };
      continue;
    }
    const { name = '', value } = flag;
    const target = FLAGS.get(name);
    if (target === undefined) continue;
    const given = value ?? rest.shift() ?? '';
    if (target !== null) found[target] = given;
  }
  return { ...found, isSubcommand: false };
}
