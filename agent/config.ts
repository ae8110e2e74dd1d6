// The one table of settings: every environment variable, its default, its form and its help.
import { isIP } from 'node:net';
import { AgentError } from './errors.ts';

/** How one setting is read from its environment variable. */
interface Setting<T> {
  readonly variable: string;
  readonly default: T;
  /** What is accepted, for messages and README. */
  readonly form: string;
  readonly help: string;
  /** The value, or undefined when the text is not of the form. */
  readonly parse: (text: string) => T | undefined;
}

const PREFIX = 'NODESEAL_';

/** What `parseDurationMs` accepts. */
export const DURATION_FORM = 'a whole number of s, m or h, such as 24h';

/** All settings. README's table is checked against this one. */
export const SETTINGS = {
  hostRoot: path('HOST_ROOT', '/', 'Where the host’s root directory is mounted.'),
  policySource: optionalPath(
    'POLICY_SOURCE',
    'Trust policy document to install on the host and to keep in step with. Unset: the host’s own file is used as it is.',
  ),
  truststoreSource: optionalPath(
    'TRUSTSTORE_SOURCE',
    'Folder that holds `x509/`, to install on the host and to keep in step with. Unset: the host’s own is used as it is.',
  ),
  mode: oneOf(
    'MODE',
    'enforce',
    ['enforce', 'audit'],
    'Whether pulls that are denied are refused, or only judged and recorded and let in.',
  ),
  verifier: optionalPath(
    'VERIFIER',
    'The `nodeseal-verifier` executable to install. Unset: the one beside the program.',
  ),
  binDir: path(
    'BIN_DIR',
    '/opt/containerd/image-verifier/bin',
    'containerd’s `bin_dir` for image verifiers, as a path on the host.',
  ),
  containerdSocket: path(
    'CONTAINERD_SOCKET',
    '/run/containerd/containerd.sock',
    'containerd’s gRPC socket, as a path on the host.',
  ),
  containerdUnit: unit('CONTAINERD_UNIT', 'containerd.service', 'The systemd unit of containerd.'),
  journalctl: path('JOURNALCTL', '/usr/bin/journalctl', 'The journalctl to read the journal with.'),
  journalDirectory: optionalPath(
    'JOURNAL_DIRECTORY',
    'Folder of journal files to read. Unset: the running system’s.',
  ),
  stateDir: path('STATE_DIR', '/var/lib/nodeseal', 'Where the ledger is kept.'),
  agentSocket: path(
    'AGENT_SOCKET',
    '/run/nodeseal/agent.sock',
    'Socket on which the pull verifier asks the agent, as a path on the host.',
  ),
  listen: address(
    'LISTEN',
    { host: '0.0.0.0', port: 9464 },
    'Address and port to serve metrics, health and status on; port 0 takes a free one.',
  ),
  registryPlainHttp: hosts(
    'REGISTRY_PLAIN_HTTP',
    'Registries spoken to over plain HTTP. Loopback registries always are.',
  ),
  registryCa: optionalPath(
    'REGISTRY_CA',
    'PEM file of certificate authorities to trust for registries, beside the public ones.',
  ),
  pluginDir: path(
    'PLUGIN_DIR',
    '/opt/nodeseal/plugins',
    'Folder of Notation verification plugins (`NAME/notation-NAME`), as a path on the host.',
  ),
  reverifyInterval: duration(
    'REVERIFY_INTERVAL',
    24 * 60 * 60 * 1000,
    'How old the last verdict on an image may grow before it is verified again.',
  ),
  canaryInterval: duration(
    'CANARY_INTERVAL',
    60 * 60 * 1000,
    'Time between two canaries, beside those after each change of containerd or of the verifier.',
  ),
  nodeName: node(
    'NODE_NAME',
    'The Node object of Kubernetes to report the enforcement state to; `spec.nodeName` of the pod. Unset: nothing is reported.',
  ),
  logLevel: oneOf(
    'LOG_LEVEL',
    'info',
    ['debug', 'info', 'warn', 'error'],
    'Least level of log lines that are written.',
  ),
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

/** The settings' values, parsed once and frozen. */
export type Config = {
  readonly [K in keyof typeof SETTINGS]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never;
};

/**
 * Reads every setting from the environment. All faults are reported together, and an unknown
 * variable with our prefix is one of them: a misspelt setting must not be silently without effect.
 * Throws `setting_invalid`.
 */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const text = environment[setting.variable];
    const value = text === undefined || text === '' ? setting.default : setting.parse(text);
    if (value === undefined && text !== undefined && text !== '') {
      faults.push(`${setting.variable}: expected ${setting.form}, found ${JSON.stringify(text)}`);
    }
    values[key] = value;
  }
  faults.push(...unknownVariables(environment));
  if (faults.length > 0) throw new AgentError('setting_invalid', faults.join('; '), { faults });
  return Object.freeze(values) as Config;
}

/**
 * Kubernetes puts such variables into every pod of a namespace with a Service named `nodeseal…`;
 * they are not misspelt settings.
 */
const SERVICE_LINK = /_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP)(?:_\w+)?)?)$/;

function unknownVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set(Object.values(SETTINGS).map((setting) => setting.variable));
  return Object.keys(environment)
    .filter((variable) => variable.startsWith(PREFIX) && !known.has(variable))
    .filter((variable) => !SERVICE_LINK.test(variable))
    .map((variable) => `${variable}: no such setting`);
}

function path(name: string, byDefault: string, help: string): Setting<string> {
  return { ...pathForm(name, help), default: byDefault };
}

function optionalPath(name: string, help: string): Setting<string | undefined> {
  return { ...pathForm(name, help), default: undefined };
}

function pathForm(name: string, help: string) {
  const parse = (text: string) => (/^\/[^\0]*$/.test(text) ? text : undefined);
  return { variable: PREFIX + name, form: 'an absolute path', help, parse };
}

function unit(name: string, byDefault: string, help: string): Setting<string> {
  const parse = (text: string) => (/^[\w@:.\\-]{1,250}\.service$/.test(text) ? text : undefined);
  return { variable: PREFIX + name, default: byDefault, form: 'NAME.service', help, parse };
}

/** An IP address and a TCP port. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

function address(name: string, byDefault: ListenAddress, help: string): Setting<ListenAddress> {
  const parse = (text: string) => {
    const match = /^(?:\[([0-9a-fA-F:]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
    const host = match?.[1] ?? match?.[2] ?? '';
    const port = Number(match?.[3]);
    return isIP(host) !== 0 && port <= 65535 ? { host, port } : undefined;
  };
  const form = 'ADDRESS:PORT with an IP address';
  return { variable: PREFIX + name, default: byDefault, form, help, parse };
}

function hosts(name: string, help: string): Setting<readonly string[]> {
  const parse = (text: string) => {
    const list = text.split(',').map((host) => host.trim());
    return list.every((host) => /^[\w.-]+(?::\d{1,5})?$/.test(host)) ? list : undefined;
  };
  const form = 'HOST[:PORT], separated by commas';
  return { variable: PREFIX + name, default: [], form, help, parse };
}

/** What Kubernetes lets a node be called: a DNS subdomain. */
const NODE_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

function node(name: string, help: string): Setting<string | undefined> {
  const parse = (text: string) => (NODE_NAME.test(text) ? text : undefined);
  const form = 'the name of a Node';
  return { variable: PREFIX + name, default: undefined, form, help, parse };
}

const UNIT_MS = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** The milliseconds that a text of `DURATION_FORM` says, or undefined. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^([1-9]\d{0,5})([smh])$/.exec(text);
  const unitMs = UNIT_MS.get(match?.[2] ?? '');
  return unitMs === undefined ? undefined : Number(match?.[1]) * unitMs;
}

function duration(name: string, byDefaultMs: number, help: string): Setting<number> {
  const [form, parse] = [DURATION_FORM, parseDurationMs] as const;
  return { variable: PREFIX + name, default: byDefaultMs, form, help, parse };
}

function oneOf<const T extends string>(
  name: string,
  byDefault: NoInfer<T>,
  values: readonly T[],
  help: string,
): Setting<T> {
  const parse = (text: string) => values.find((value) => value === text);
  return { variable: PREFIX + name, default: byDefault, form: values.join(', '), help, parse };
}
