import { expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../../agent/errors.ts';
import { isInconclusive } from '../../../agent/notation/verification/inconclusive.ts';

// A code that is added must be thought of: listed here it is retried, else it counts against the image.
it('takes exactly these codes for "could not tell"', () => {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];
  expect(codes.filter(isInconclusive).sort()).toEqual([
    'agent_unavailable',
    'bundle_invalid',
    'deadline_exceeded',
    'internal',
    'plugin_failed',
    'plugin_invalid',
    'plugin_missing',
    'plugin_timeout',
    'plugin_unsupported',
    'registry_busy',
    'registry_denied',
    'registry_failed',
    'registry_hosts_invalid',
    'registry_redirect_refused',
    'registry_timeout',
    'registry_unreachable',
    'revocation_address_refused',
    'revocation_evidence_invalid',
    'revocation_unknown',
    'revocation_unreachable',
  ]);
});
