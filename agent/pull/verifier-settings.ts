// What install tells the pull verifier, as the JSON file that both know: encoded by one, parsed by the other.
import { AgentError } from '../errors.ts';
import { createLayout } from '../node/host/layout.ts';
import { isJsonObject, type JsonObject } from '../oci/json-object.ts';
import { show } from '../oci/show.ts';
import { isPullMode, PULL_MODES, type PullMode } from './mode.ts';

/** Paths are absolute paths of the host. */
export interface VerifierSettings {
  readonly agentSocket: string;
  readonly policyFile: string;
  /** Holds `x509/`. */
  readonly truststoreDir: string;
  /** Registries spoken to over plain HTTP, as `host` or `host:port`. */
  readonly plainHttp: readonly string[];
  /** PEM text of certificate authorities to trust for registries, beside the public ones. */
  readonly registryCa: string | null;
  /** Folders of hosts.toml files. */
  readonly registryHosts: readonly string[];
  /** Of verification plugins. */
  readonly pluginDir: string;
  readonly crlCacheDir: string;
  /** Signatures and CRLs that were carried in; null for none. */
  readonly bundleDir: string | null;
  /** Kubelet's own, which may hold Docker's `config.json`. */
  readonly kubeletDir: string;
  /** What kubelet is told of credential provider plugins; null for nothing. */
  readonly credentialProviderConfig: string | null;
  readonly credentialProviderBinDir: string | null;
  /** Whether pulls are bound by their verdicts. */
  readonly mode: PullMode;
}

/** Where hosts.toml files are looked for unless containerd says otherwise: where its documentation has them. */
export const DEFAULT_REGISTRY_HOSTS: readonly string[] = ['/etc/containerd/certs.d'];

/** A whole CA bundle of an operating system is a quarter of it. */
export const MAX_SETTINGS_BYTES = 1024 * 1024;

/** What holds where there is no settings file. */
export function defaultVerifierSettings(): VerifierSettings {
  const { socket, policyFile, trustStoreDir, pluginDir, crlCacheDir } = createLayout();
  return {
    agentSocket: socket,
    policyFile,
    truststoreDir: trustStoreDir,
    plainHttp: [],
    registryCa: null,
    registryHosts: DEFAULT_REGISTRY_HOSTS,
    pluginDir,
    crlCacheDir,
    bundleDir: null,
    kubeletDir: '/var/lib/kubelet',
    credentialProviderConfig: null,
    credentialProviderBinDir: null,
    mode: 'enforce',
  };
}

/** The object to write as JSON; `parseVerifierSettings` reads it back unchanged. */
export function encodeVerifierSettings(
  settings: VerifierSettings,
): Readonly<Record<string, unknown>> {
  // Named one by one: nothing that merely happens to be in the object is written.
  const { agentSocket, policyFile, truststoreDir, plainHttp, registryCa, registryHosts } = settings;
  const { pluginDir, crlCacheDir, bundleDir, mode } = settings;
  const { kubeletDir, credentialProviderConfig, credentialProviderBinDir } = settings;
  return {
    ...{ agentSocket, policyFile, truststoreDir, plainHttp, registryCa, registryHosts },
    ...{ pluginDir, crlCacheDir, bundleDir },
    ...{ kubeletDir, credentialProviderConfig, credentialProviderBinDir, mode },
  };
}

/**
 * Parses the text of the settings file; null stands for no file. What is not in it has its default.
 * Unknown members are ignored: an upgrade writes the settings before the verifier, and the older
 * verifier must not refuse every pull in between. Throws `setting_invalid`.
 */
export function parseVerifierSettings(text: string | null): VerifierSettings {
  const defaults = defaultVerifierSettings();
  if (text === null) return defaults;
  const object = parseObject(text);
  return {
    agentSocket: absolutePath(object, 'agentSocket') ?? defaults.agentSocket,
    policyFile: absolutePath(object, 'policyFile') ?? defaults.policyFile,
    truststoreDir: absolutePath(object, 'truststoreDir') ?? defaults.truststoreDir,
    plainHttp: strings(object, 'plainHttp') ?? defaults.plainHttp,
    registryCa: stringOrNull(object, 'registryCa') ?? defaults.registryCa,
    registryHosts: strings(object, 'registryHosts') ?? defaults.registryHosts,
    pluginDir: absolutePath(object, 'pluginDir') ?? defaults.pluginDir,
    crlCacheDir: absolutePath(object, 'crlCacheDir') ?? defaults.crlCacheDir,
    bundleDir: pathOrNull(object, 'bundleDir'),
    kubeletDir: absolutePath(object, 'kubeletDir') ?? defaults.kubeletDir,
    credentialProviderConfig: pathOrNull(object, 'credentialProviderConfig'),
    credentialProviderBinDir: pathOrNull(object, 'credentialProviderBinDir'),
    mode: modeOf(object) ?? defaults.mode,
  };
}

function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AgentError('setting_invalid', 'settings of the pull verifier: expected JSON', {
      cause,
    });
  }
  if (!isJsonObject(value)) throw invalid('', 'an object', value);
  return value;
}

function absolutePath(object: JsonObject, key: string): string | undefined {
  const value = member(object, key);
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value.startsWith('/') && !value.includes('\0')) return value;
  throw invalid(key, 'an absolute path', value);
}

function pathOrNull(object: JsonObject, key: string): string | null {
  return member(object, key) === null ? null : (absolutePath(object, key) ?? null);
}

function strings(object: JsonObject, key: string): readonly string[] | undefined {
  const value = member(object, key);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw invalid(key, 'an array of strings', value);
}

function stringOrNull(object: JsonObject, key: string): string | null | undefined {
  const value = member(object, key);
  if (value === undefined || value === null || typeof value === 'string') return value;
  throw invalid(key, 'a string or null', value);
}

function modeOf(object: JsonObject): PullMode | undefined {
  const value = member(object, 'mode');
  if (value === undefined || isPullMode(value)) return value;
  throw invalid('mode', PULL_MODES.join(' or '), value);
}

function member(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function invalid(key: string, expected: string, found: unknown): AgentError {
  const what = `settings of the pull verifier${key === '' ? '' : `: ${key}`}`;
  return new AgentError('setting_invalid', `${what}: expected ${expected}, found ${show(found)}`);
}
