// Signatures that ask for a plugin, and what is asked of it.
import type { PluginVerifyRequest } from '../../../agent/notation/plugin/verify-request.ts';
import { parseEnvelope } from '../../../agent/notation/signature/envelope.ts';
import {
  type VerifiedSignature,
  verifyIntegrity,
} from '../../../agent/notation/signature/integrity.ts';
import type { CborInput } from '../../support/cbor.ts';
import { createCa } from '../../support/ca.ts';
import { type EnvelopeOptions, MEDIA_TYPES, signEnvelope } from '../../support/sign-envelope.ts';
import { PLUGIN_NAME } from '../../support/verification-plugin.ts';

export const BOTH = [
  'SIGNATURE_VERIFIER.TRUSTED_IDENTITY',
  'SIGNATURE_VERIFIER.REVOCATION_CHECK',
] as const;
export const [TRUSTED_IDENTITY, REVOCATION_CHECK] = BOTH;

export const signer = createCa().issue();
const SCHEME = 'io.cncf.notary.signingScheme';
const PLUGIN = 'io.cncf.notary.verificationPlugin';

/** What a signature that names the plugin adds to the envelope: all, some or no critical attributes. */
export function pluginAttributes(
  attributes: Readonly<Record<string, CborInput>> = {},
  critical = Object.keys(attributes),
): Pick<EnvelopeOptions, 'attributes' | 'crit'> {
  return {
    attributes: new Map([[PLUGIN, PLUGIN_NAME], ...Object.entries(attributes)]),
    crit: [SCHEME, PLUGIN, ...critical],
  };
}

/** A signature with integrity that names the plugin. */
export function signatureOf(options: Partial<EnvelopeOptions> = {}): VerifiedSignature {
  const all = { format: 'jws', signer, ...pluginAttributes(), ...options } as const;
  return verifyIntegrity(parseEnvelope(signEnvelope(all), MEDIA_TYPES[all.format]));
}

/** A request for all that a plugin can verify. */
export function requestOf(changes: Partial<PluginVerifyRequest> = {}): PluginVerifyRequest {
  const trustedIdentities = [{ kind: 'plugin', text: 'com.example: arn' }] as const;
  return { signature: signatureOf(), trustedIdentities, capabilities: BOTH, ...changes };
}
