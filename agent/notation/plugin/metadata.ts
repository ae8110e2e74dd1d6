// What a plugin says of itself: plugin-extensibility.md, "Plugin metadata".
import { AgentError } from '../../errors.ts';
import type { JsonObject } from '../../oci/json-object.ts';
import { show } from '../../oci/show.ts';
import { compareSemVer, parseSemVer } from '../encoding/semver.ts';
import { CONTRACT_VERSION, type PluginCapability, VERIFIER_CAPABILITIES } from './capability.ts';
import { breaksContract, isStrings, parseResponse } from './response.ts';

export interface PluginMetadata {
  readonly name: string;
  readonly description: string;
  /** A semantic version. */
  readonly version: string;
  readonly url: string;
  /** Those for verification; may be none. */
  readonly capabilities: ReadonlySet<PluginCapability>;
}

/**
 * Parses the response to `get-plugin-metadata` of the plugin that is installed as `name`. "All
 * response attributes are required", none may be empty, and it has to speak our contract version.
 * Throws `plugin_invalid`.
 */
export function parsePluginMetadata(bytes: Uint8Array, name: string, what: string): PluginMetadata {
  const response = parseResponse(bytes, what);
  const { supportedContractVersions, capabilities } = response;
  const found = textOf(response, 'name', what);
  if (found !== name) throw breaksContract(`${what}: name`, show(name), found);
  const version = textOf(response, 'version', what);
  parseSemVer(version, { what: `${what}: version`, code: 'plugin_invalid' });
  if (!isStrings(supportedContractVersions)) {
    throw breaksContract(
      `${what}: supportedContractVersions`,
      'strings',
      supportedContractVersions,
    );
  }
  if (!supportedContractVersions.includes(CONTRACT_VERSION)) {
    const others = supportedContractVersions.join(', ');
    throw breaksContract(`${what}: supportedContractVersions`, CONTRACT_VERSION, others);
  }
  if (!isStrings(capabilities) || capabilities.length === 0) {
    throw breaksContract(`${what}: capabilities`, 'strings, at least one', capabilities);
  }
  return {
    name,
    description: textOf(response, 'description', what),
    version,
    url: textOf(response, 'url', what),
    capabilities: new Set(VERIFIER_CAPABILITIES.filter((known) => capabilities.includes(known))),
  };
}

/**
 * "Verification workflow using plugin", step 1: the plugin has to be of the minimum version, if the
 * signature names one, and to verify anything at all. Throws `plugin_unsupported`.
 */
export function assertSuitable(plugin: PluginMetadata, minVersion: string | undefined): void {
  const what = `verification plugin ${show(plugin.name)}`;
  if (minVersion !== undefined && isOlder(plugin.version, minVersion, what)) {
    throw new AgentError(
      'plugin_unsupported',
      `${what}: expected version ${minVersion} or later, as the signature asks for, found ${plugin.version}`,
    );
  }
  if (plugin.capabilities.size > 0) return;
  throw new AgentError(
    'plugin_unsupported',
    `${what}: expected a capability of ${VERIFIER_CAPABILITIES.join(' or ')}, found none`,
  );
}

function isOlder(version: string, minVersion: string, what: string): boolean {
  const found = parseSemVer(version, { what, code: 'plugin_invalid' });
  const least = parseSemVer(minVersion, { what: `${what}: minimum`, code: 'plugin_unsupported' });
  return compareSemVer(found, least) < 0;
}

function textOf(response: JsonObject, member: string, what: string): string {
  const value = response[member];
  if (typeof value === 'string' && value !== '') return value;
  throw breaksContract(`${what}: ${member}`, 'a string that is not empty', value);
}
