// The plugin contract that is spoken here, and the capabilities of verification plugins: plugin-extensibility.md.

/** A plugin that speaks a later minor version says so beside this one. */
export const CONTRACT_VERSION = '1.0';

/** Those of a plugin that verifies; others are for signing or not known yet. */
export const VERIFIER_CAPABILITIES = [
  'SIGNATURE_VERIFIER.TRUSTED_IDENTITY',
  'SIGNATURE_VERIFIER.REVOCATION_CHECK',
] as const;
export type PluginCapability = (typeof VERIFIER_CAPABILITIES)[number];
