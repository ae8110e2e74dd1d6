// The one table of settings: every environment variable, its default, its form and its help.
import { AgentError } from './errors.ts';
import {
  address,
  bytes,
  count,
  duration,
  durationOrNone,
  hosts,
  node,
  oneOf,
  optionalAddress,
  optionalDirectory,
  optionalPath,
  optionalPaths,
  path,
  PREFIX,
  resourceName,
  type Setting,
  unit,
} from './setting-forms.ts';
import { WEBHOOK_SETTINGS } from './webhook-settings.ts';

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
  binDir: optionalDirectory(
    'BIN_DIR',
    'Where to put the verifier, as a path on the host. Unset: containerd’s `bin_dir` for image verifiers, also when it moves; where containerd cannot be asked, where the verifier was put before.',
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
  containerdLog: optionalPath(
    'CONTAINERD_LOG',
    'The log file that containerd writes to where it does not write to the journal (k3s, RKE2), as a path on the host; read beside the journal.',
  ),
  journalUploadListen: optionalAddress(
    'JOURNAL_UPLOAD_LISTEN',
    'Address and port to take the journal on that systemd-journal-upload sends, instead of reading the host’s.',
  ),
  journalUploadTokenFile: optionalPath(
    'JOURNAL_UPLOAD_TOKEN_FILE',
    'File with the secret that is the first part of the path to upload to: 32 or more letters, digits, `-` and `_`.',
  ),
  journalUploadCertificate: optionalPath(
    'JOURNAL_UPLOAD_CERTIFICATE',
    'PEM file of the certificate chain to take the journal with over HTTPS. Unset: over HTTP.',
  ),
  journalUploadKey: optionalPath('JOURNAL_UPLOAD_KEY', 'PEM file of the key of that certificate.'),
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
  statusDetails: oneOf(
    'STATUS_DETAILS',
    'hide',
    ['hide', 'show'],
    'Whether the status page shows names of images, and pulls, to everybody who may scrape the metrics.',
  ),
  registryPlainHttp: hosts(
    'REGISTRY_PLAIN_HTTP',
    'Registries spoken to over plain HTTP. Loopback registries always are.',
  ),
  registryHosts: optionalPaths(
    'REGISTRY_HOSTS',
    'Folders of `HOST/hosts.toml`, as paths on the host. Unset: containerd’s `config_path`; where it has none, `/etc/containerd/certs.d`.',
  ),
  registryCa: optionalPath(
    'REGISTRY_CA',
    'PEM file of certificate authorities to trust for registries, beside the public ones.',
  ),
  pullSecrets: oneOf(
    'PULL_SECRETS',
    'off',
    ['off', 'on'],
    'Whether registries are asked with the image pull secrets of this node’s pods, which the API server must let the agent read.',
  ),
  serviceAccountTokens: oneOf(
    'SERVICE_ACCOUNT_TOKENS',
    'off',
    ['off', 'on'],
    'Whether credential provider plugins with `tokenAttributes` are given tokens of the service accounts of this node’s pods, which the API server must let the agent make.',
  ),
  credentialProviderConfig: optionalPath(
    'CREDENTIAL_PROVIDER_CONFIG',
    'Kubelet’s configuration of credential provider plugins, a file or a directory of files, as a path on the host. Unset: what kubelet’s command line says.',
  ),
  credentialProviderBinDir: optionalPath(
    'CREDENTIAL_PROVIDER_BIN_DIR',
    'Folder of those plugins, as a path on the host. Unset: what kubelet’s command line says.',
  ),
  kubeletDir: path(
    'KUBELET_DIR',
    '/var/lib/kubelet',
    'Folder of kubelet, whose `config.json` may hold credentials, as a path on the host.',
  ),
  dockerConfig: optionalPath(
    'DOCKER_CONFIG',
    'Docker’s `config.json` with credentials for registries.',
  ),
  pluginDir: path(
    'PLUGIN_DIR',
    '/opt/nodeseal/plugins',
    'Folder of Notation verification plugins (`NAME/notation-NAME`), as a path on the host.',
  ),
  bundleDir: optionalPath(
    'BUNDLE_DIR',
    'OCI image layout with signatures, CRLs and OCSP responses, as `nodeseal bundle` writes it, as a path on the host (for the webhook, in its own container); looked into before registries are asked. Unset: none.',
  ),
  reverifyInterval: duration(
    'REVERIFY_INTERVAL',
    24 * 60 * 60 * 1000,
    'How old the last verdict on an image may grow before it is verified again.',
  ),
  reverifySpread: durationOrNone(
    'REVERIFY_SPREAD',
    10 * 60 * 1000,
    'Over how long a node spreads the questions to registries that many of its images have at once.',
  ),
  reverifyRate: count(
    'REVERIFY_RATE',
    20,
    10_000,
    'How many images may ask one registry within a second, out of band.',
  ),
  retention: duration(
    'RETENTION',
    90 * 24 * 60 * 60 * 1000,
    'How long the audit trail is kept, and what is known of images that are gone.',
  ),
  ledgerMaxSize: bytes(
    'LEDGER_MAX_SIZE',
    256 * 1024 * 1024,
    'Size that the ledger may have; of what is older, less is kept than NODESEAL_RETENTION says.',
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
  admissionConfiguration: resourceName(
    'ADMISSION_CONFIGURATION',
    'The ValidatingWebhookConfiguration of the webhook that verdicts of pulls are compared with. Unset: with none.',
  ),
  logLevel: oneOf(
    'LOG_LEVEL',
    'info',
    ['debug', 'info', 'warn', 'error'],
    'Least level of log lines that are written.',
  ),
  ...WEBHOOK_SETTINGS,
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
