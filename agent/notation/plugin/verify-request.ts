// What a plugin is asked to verify: plugin-extensibility.md, "verify-signature", its request.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import { CborFloat } from '../encoding/cbor.ts';
import type { ExtendedAttribute } from '../signature/attributes.ts';
import type { VerifiedSignature } from '../signature/integrity.ts';
import { PAYLOAD_CONTENT_TYPE } from '../signature/payload.ts';
import type { TrustedIdentity } from '../trustpolicy/identity.ts';
import { CONTRACT_VERSION, type PluginCapability } from './capability.ts';
import { isoTime } from '../../utc.ts';

export interface PluginVerifyRequest {
  /** Its chain has to be anchored in a trust store already: a plugin is told of nobody else's. */
  readonly signature: VerifiedSignature;
  /** Of the policy statement. */
  readonly trustedIdentities: readonly TrustedIdentity[];
  /** What the plugin is to verify; not empty. */
  readonly capabilities: readonly PluginCapability[];
}

/**
 * Encodes the request as JSON. Extended attributes that are not critical are told too, as notation
 * does, but only the critical ones have to be processed. Throws `attribute_unsupported` for a
 * critical attribute that is no JSON primitive, the only kind that the contract has.
 */
export function encodeVerifyRequest(request: PluginVerifyRequest): string {
  const { signature, trustedIdentities, capabilities } = request;
  const { signingScheme, signingTime, expiry, extended, chain } = signature;
  const isAuthority = signingScheme === 'notary.x509.signingAuthority';
  const extendedAttributes = toExtendedAttributes(extended);
  return JSON.stringify({
    contractVersion: CONTRACT_VERSION,
    signature: {
      criticalAttributes: {
        contentType: PAYLOAD_CONTENT_TYPE,
        signingScheme,
        ...(expiry && { expiry: rfc3339(expiry) }),
        ...(isAuthority && { authenticSigningTime: rfc3339(signingTime) }),
        ...(extendedAttributes.length > 0 && {
          // Defines its members, so that one named `__proto__` is one like any other.
          extendedAttributes: Object.fromEntries(extendedAttributes),
        }),
      },
      unprocessedAttributes: extended.filter(({ critical }) => critical).map(({ label }) => label),
      certificateChain: chain.map(({ raw }) => Buffer.from(raw).toString('base64')),
    },
    trustPolicy: {
      trustedIdentities: trustedIdentities.map(({ text }) => text),
      signatureVerification: capabilities,
    },
  });
}

function toExtendedAttributes(
  extended: readonly ExtendedAttribute[],
): readonly (readonly [string, JsonPrimitive])[] {
  return extended.flatMap(({ label, value, critical }) => {
    const primitive = toPrimitive(value);
    if (typeof label === 'string' && primitive !== undefined) return [[label, primitive] as const];
    if (!critical) return [];
    throw new AgentError(
      'attribute_unsupported',
      `signature envelope: critical attribute ${show(label)}: expected a string, boolean, null or exact number, which alone can be passed to a verification plugin, found ${show(value)}`,
    );
  });
}

type JsonPrimitive = string | number | boolean | null;

/** A whole number beyond what a number holds exactly would reach the plugin as another one. */
function toPrimitive(value: unknown): JsonPrimitive | undefined {
  if (value instanceof CborFloat) return value.value;
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value !== 'number') return undefined;
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : value;
}

function rfc3339(date: Date): string {
  return isoTime(date).replace('.000Z', 'Z');
}
