// Every rule of the specifications that a verifier has to keep, and the tests that show that this one does.
import { CERTIFICATE_RULES } from './certificates.ts';
import { CRL_RULES } from './crl.ts';
import { DISCOVERY_RULES } from './discovery.ts';
import { ENVELOPE_RULES } from './envelopes.ts';
import { FORMAT_RULES } from './formats.ts';
import { OCSP_RULES } from './ocsp.ts';
import { PLUGIN_RULES } from './plugins.ts';
import { POLICY_RULES } from './policy.ts';
import { REVOCATION_RULES } from './revocation.ts';
import type { Rule } from './rule.ts';
import { SCOPE_RULES } from './scopes.ts';
import { STORE_RULES } from './stores.ts';
import { TIMESTAMP_TOKEN_RULES } from './timestamp-tokens.ts';
import { TIMESTAMP_RULES } from './timestamps.ts';
import { WORKFLOW_RULES } from './workflow.ts';

export const ALL_RULES: readonly Rule[] = [
  ...POLICY_RULES,
  ...SCOPE_RULES,
  ...STORE_RULES,
  ...DISCOVERY_RULES,
  ...ENVELOPE_RULES,
  ...FORMAT_RULES,
  ...CERTIFICATE_RULES,
  ...WORKFLOW_RULES,
  ...TIMESTAMP_RULES,
  ...TIMESTAMP_TOKEN_RULES,
  ...REVOCATION_RULES,
  ...OCSP_RULES,
  ...CRL_RULES,
  ...PLUGIN_RULES,
];
