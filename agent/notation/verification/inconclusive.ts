// Which codes mean "could not tell": never the same as "no", though both deny unless a level logs.
import type { ErrorCode } from '../../errors.ts';

/**
 * The next attempt may end otherwise without anybody signing anything or changing policy or trust.
 * A code that is not listed says that the evidence was seen and is against the image.
 */
const INCONCLUSIVE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'registry_unreachable',
  'registry_timeout',
  'registry_denied',
  'registry_busy',
  'registry_failed',
  'registry_hosts_invalid',
  'registry_redirect_refused',
  'bundle_invalid',
  'revocation_unknown',
  'revocation_unreachable',
  'revocation_address_refused',
  'revocation_evidence_invalid',
  'plugin_missing',
  'plugin_unsupported',
  'plugin_invalid',
  'plugin_failed',
  'plugin_timeout',
  'deadline_exceeded',
  'agent_unavailable',
  'internal',
]);

/** Tells whether a code means that nothing was decided. */
export function isInconclusive(code: ErrorCode): boolean {
  return INCONCLUSIVE.has(code);
}
