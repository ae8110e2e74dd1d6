import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import { verifyRevocations } from '../../../agent/notation/revocation/chain-revocation.ts';
import type { RevocationStatus } from '../../../agent/notation/revocation/status.ts';
import { expectCode } from '../../support/expect-code.ts';
import { CA, NOW, parsed } from './fixture.ts';

const CERTIFICATE = parsed(CA.issue());
const GOOD: RevocationStatus = { kind: 'good', source: 'ocsp' };
const UNKNOWN: RevocationStatus = {
  kind: 'unknown',
  error: new AgentError('revocation_unreachable', 'nobody there'),
};
const REVOKED: RevocationStatus = { kind: 'revoked', at: NOW, source: 'crl' };

function verify(...statuses: RevocationStatus[]): string {
  return verifyRevocations(statuses.map((status) => ({ certificate: CERTIFICATE, status })));
}

describe('the revocation of a chain', () => {
  it('passes when every certificate is good or cannot be revoked', () => {
    expect(verify(GOOD, { kind: 'good', source: 'crl' }, { kind: 'not_revocable' })).toBe(
      'certificates of the chain below the root: 1 good by OCSP, 1 good by CRL, 1 cannot be revoked',
    );
    expect(verify()).toContain('its own root');
  });

  it('says of what was carried in how old it is', () => {
    expect(verify({ ...GOOD, carriedOf: NOW }, GOOD)).toBe(
      'certificates of the chain below the root: 1 good by OCSP (carried in, of 2026-03-01T12:00:00.000Z), 1 good by OCSP',
    );
  });

  it('fails when one is revoked, whatever is unknown of others', () => {
    const { message } = expectCode(() => verify(UNKNOWN, GOOD, REVOKED), 'certificate_revoked');
    expect(message).toContain('revoked at 2026-03-01T12:00:00.000Z (CRL)');
  });

  it('cannot be told when one is unknown', () => {
    expectCode(() => verify(GOOD, UNKNOWN), 'revocation_unreachable');
  });
});
