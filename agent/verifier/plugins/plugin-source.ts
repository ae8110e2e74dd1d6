// Verification plugins of this host, found by the name that a signature gives:
// plugin-extensibility.md, "Signature Verifier".
import {
  assertSuitable,
  parsePluginMetadata,
  type PluginMetadata,
} from '../../notation/plugin/metadata.ts';
import type { PluginCapability } from '../../notation/plugin/capability.ts';
import {
  encodeVerifyRequest,
  type PluginVerifyRequest,
} from '../../notation/plugin/verify-request.ts';
import { parseVerifyResult, type PluginVerifyResult } from '../../notation/plugin/verify-result.ts';
import { show } from '../../oci/show.ts';
import { PLUGIN_LIMITS, type PluginLimits } from './limits.ts';
import { locatePlugin } from './plugin-file.ts';
import { type PluginCommand, runPlugin } from './run-plugin.ts';

export interface PluginSource {
  /**
   * The plugin that is installed as `name`, of the minimum version at least and with a capability
   * to verify. Finding runs it: call this only for a signature whose chain is anchored in a trust
   * store, or anybody who can push an image chooses what runs on the node. Throws `plugin_missing`
   * (with the path looked at), `plugin_unsupported`, `plugin_invalid`, `plugin_failed`,
   * `plugin_timeout`, or for the signal its reason or `deadline_exceeded`.
   */
  find(
    name: string,
    minVersion: string | undefined,
    signal: AbortSignal,
  ): Promise<VerificationPlugin>;
}

/** An installed plugin, for one verification: whether its file may be run is not checked again. */
export interface VerificationPlugin {
  readonly name: string;
  readonly version: string;
  /** At least one. */
  readonly capabilities: ReadonlySet<PluginCapability>;
  /**
   * Asks the plugin. What it finds against the signature is in the result. Throws
   * `attribute_unsupported` for a critical attribute that cannot be passed, and as `find` does.
   */
  verify(request: PluginVerifyRequest, signal: AbortSignal): Promise<PluginVerifyResult>;
}

export interface PluginSourceOptions {
  /** Holds a folder for each plugin. It need not exist. */
  readonly directory: string;
  readonly limits?: Partial<PluginLimits>;
}

/**
 * Creates a source of plugins. A plugin's metadata is asked for each time, as the specification has
 * it: that a plugin was updated cannot be told from its file alone.
 */
export function createPluginSource({ directory, limits }: PluginSourceOptions): PluginSource {
  const bounds = { ...PLUGIN_LIMITS, ...limits };
  return {
    async find(name, minVersion, signal) {
      const path = await locatePlugin(directory, name);
      const call = toCommand(path, name, 'get-plugin-metadata', '{}');
      const response = await runPlugin(call, bounds, signal);
      const metadata = parsePluginMetadata(response, name, call.what);
      assertSuitable(metadata, minVersion);
      return toPlugin(metadata, path, bounds);
    },
  };
}

function toPlugin(
  { name, version, capabilities }: PluginMetadata,
  path: string,
  limits: PluginLimits,
): VerificationPlugin {
  return {
    name,
    version,
    capabilities,
    async verify(request, signal) {
      const call = toCommand(path, name, 'verify-signature', encodeVerifyRequest(request));
      const response = await runPlugin(call, limits, signal);
      return parseVerifyResult(response, request.capabilities, call.what);
    },
  };
}

function toCommand(
  path: string,
  name: string,
  command: PluginCommand['command'],
  request: string,
): PluginCommand {
  return { path, command, request, what: `verification plugin ${show(name)}, ${command}` };
}
