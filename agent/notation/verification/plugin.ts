// The part of a verification that a signature leaves to a plugin: plugin-extensibility.md,
// "Verification workflow using plugin".
import {
  capabilitiesToRequest,
  judgePlugin,
  NOT_ASKED,
  type PluginJudgement,
} from '../plugin/judgement.ts';
import type { VerifiedSignature } from '../signature/integrity.ts';
import type { Statement } from '../trustpolicy/statement.ts';
import type { Evidence } from './evidence.ts';

/**
 * Has the plugin that a signature names do its part; nothing when it names none. The chain must be
 * anchored. Throws `attribute_unsupported` for a critical attribute that was not processed and the
 * codes `plugin_*` but `plugin_refused`, which is a judgement.
 */
export async function runPlugin(
  signature: VerifiedSignature,
  statement: Statement,
  evidence: Evidence,
): Promise<PluginJudgement> {
  const { verificationPlugin: name, verificationPluginMinVersion, extended } = signature;
  if (name === undefined) return {};
  const plugin = await evidence.plugin(name, verificationPluginMinVersion);
  const { enforcement } = statement.signatureVerification;
  const capabilities = capabilitiesToRequest(plugin.capabilities, enforcement);
  const { trustedIdentities } = statement;
  const result =
    capabilities.length === 0
      ? NOT_ASKED
      : await plugin.verify({ signature, trustedIdentities, capabilities });
  return judgePlugin(name, extended, result);
}
