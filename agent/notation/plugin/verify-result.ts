// What a plugin found: plugin-extensibility.md, "verify-signature", its response.
import { isJsonObject } from '../../oci/json-object.ts';
import { show } from '../../oci/show.ts';
import type { PluginCapability } from './capability.ts';
import { breaksContract, isStrings, parseResponse } from './response.ts';

export interface PluginVerifyResult {
  /** One for each capability that was requested, and no other. */
  readonly findings: ReadonlyMap<PluginCapability, PluginFinding>;
  /** Names of attributes, as the plugin says; also such as it was not asked to process. */
  readonly processedAttributes: ReadonlySet<string>;
}

export interface PluginFinding {
  readonly success: boolean;
  /** The plugin's own words; empty if it has none. */
  readonly reason: string;
}

/**
 * Parses the response to `verify-signature`. "Verification workflow using plugin", step 6: the
 * results have to be those that were requested. A missing one is never taken for a success, and one
 * too many answers another request (notation lets that pass). Throws `plugin_invalid`.
 */
export function parseVerifyResult(
  bytes: Uint8Array,
  requested: readonly PluginCapability[],
  what: string,
): PluginVerifyResult {
  const { verificationResults, processedAttributes } = parseResponse(bytes, what);
  const place = `${what}: verificationResults`;
  if (!isJsonObject(verificationResults)) {
    throw breaksContract(place, 'an object', verificationResults);
  }
  const surplus = Object.keys(verificationResults).find(
    (name) => !requested.some((capability) => capability === name),
  );
  if (surplus !== undefined) throw breaksContract(place, requested.join(', '), surplus);
  return {
    findings: new Map(
      requested.map((capability) => [
        capability,
        parseFinding(verificationResults[capability], `${place}: ${capability}`),
      ]),
    ),
    processedAttributes: parseAttributes(processedAttributes, `${what}: processedAttributes`),
  };
}

function parseFinding(value: unknown, what: string): PluginFinding {
  if (!isJsonObject(value)) throw breaksContract(what, 'a result', value);
  const { success, reason } = value;
  if (typeof success !== 'boolean') throw breaksContract(`${what}: success`, 'a boolean', success);
  // Required beside a failure, but a failure without a reason is still one.
  if (reason === undefined || reason === null) return { success, reason: '' };
  if (typeof reason !== 'string') throw breaksContract(`${what}: reason`, 'a string', reason);
  return { success, reason };
}

/** Go plugins write null for an empty list. */
function parseAttributes(value: unknown, what: string): ReadonlySet<string> {
  if (value === undefined || value === null) return new Set();
  if (!isStrings(value)) throw breaksContract(what, 'an array of strings', value);
  return new Set(value);
}

/** The plugin's own words, quoted because they are not ours, to end a sentence with. */
export function describeReason({ reason }: PluginFinding): string {
  return reason === '' ? '' : `, saying ${show(reason)}`;
}
