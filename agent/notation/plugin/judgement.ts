// What a plugin's part in a verification is, and what its findings mean for it: "Verification workflow using plugin".
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { ExtendedAttribute } from '../signature/attributes.ts';
import type { Enforcement } from '../trustpolicy/level.ts';
import { type PluginCapability, VERIFIER_CAPABILITIES } from './capability.ts';
import { describeReason, type PluginFinding, type PluginVerifyResult } from './verify-result.ts';

/**
 * What the plugin found, by validation: a sentence on what passed, or the error. What is absent was
 * not the plugin's to check, and is left to the verifier.
 */
export interface PluginJudgement {
  /** Replaces the match with trusted identities, not the one with trust stores. */
  readonly authenticity?: string | AgentError;
  readonly revocation?: string | AgentError;
}

/** What was found by a plugin that was not asked, because there was nothing to ask it. */
export const NOT_ASKED: PluginVerifyResult = {
  findings: new Map(),
  processedAttributes: new Set(),
};

/**
 * Step 5.6: what to request from a plugin of these capabilities. Revocation is not requested when the
 * statement skips it. If nothing is left, the plugin must not be run, and `NOT_ASKED` is judged.
 */
export function capabilitiesToRequest(
  capabilities: ReadonlySet<PluginCapability>,
  enforcement: Enforcement,
): readonly PluginCapability[] {
  return VERIFIER_CAPABILITIES.filter(
    (capability) =>
      capabilities.has(capability) &&
      (capability !== 'SIGNATURE_VERIFIER.REVOCATION_CHECK' || enforcement.revocation !== 'skip'),
  );
}

/**
 * Steps 6 and 7. Throws `attribute_unsupported` if a critical attribute was not processed: that ends
 * the verification at every level, because nobody knows what the signer meant by it. Findings that
 * are against the signature are `plugin_refused`; whether they count is the statement's to say.
 */
export function judgePlugin(
  name: string,
  extended: readonly ExtendedAttribute[],
  { findings, processedAttributes }: PluginVerifyResult,
): PluginJudgement {
  for (const { label, critical } of extended) {
    if (!critical || (typeof label === 'string' && processedAttributes.has(label))) continue;
    throw new AgentError(
      'attribute_unsupported',
      `signature envelope: critical attribute ${show(label)}: expected verification plugin ${show(name)} to process it, found that it did not`,
    );
  }
  const identity = findings.get('SIGNATURE_VERIFIER.TRUSTED_IDENTITY');
  const revocation = findings.get('SIGNATURE_VERIFIER.REVOCATION_CHECK');
  return {
    ...(identity && { authenticity: judge(name, 'the signing identity to be trusted', identity) }),
    ...(revocation && { revocation: judge(name, 'no certificate to be revoked', revocation) }),
  };
}

function judge(name: string, expected: string, finding: PluginFinding): string | AgentError {
  const what = `verification plugin ${show(name)}`;
  if (finding.success) return `${what} found ${expected}${describeReason(finding)}`;
  return new AgentError(
    'plugin_refused',
    `${what}: expected it to find ${expected}, but it refused${describeReason(finding)}`,
  );
}
