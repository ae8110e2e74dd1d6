// Trusted identities: which signing certificates they admit.
import { describe, expect, it } from 'vitest';
import { Findings } from '../../../agent/notation/trustpolicy/findings.ts';
import {
  isTrustedIdentity,
  parseTrustedIdentities,
} from '../../../agent/notation/trustpolicy/identity.ts';

const SUBJECT = [
  { type: 'O', value: 'Acme' },
  { type: 'CN', value: 'release' },
];

function trusts(...texts: string[]): boolean {
  const findings = new Findings();
  const identities = parseTrustedIdentities(texts, 'identities', findings);
  expect(findings.faults).toEqual([]);
  return isTrustedIdentity(identities, SUBJECT);
}

describe('isTrustedIdentity', () => {
  it('admits a subject that one of several names matches', () => {
    expect(trusts('x509.subject: O=Acme,CN=build', 'x509.subject: O=Acme,CN=release')).toBe(true);
    expect(trusts('x509.subject: O=Acme,CN=build', 'x509.subject: O=Acme,CN=test')).toBe(false);
  });

  it('does not join attributes of two names', () => {
    expect(trusts('x509.subject: O=Acme,CN=a', 'x509.subject: O=Other,CN=release')).toBe(false);
  });

  it('admits every subject for "*"', () => {
    expect(trusts('*')).toBe(true);
  });

  it('admits nobody for an identity that a plugin would have to judge', () => {
    expect(trusts('example.plugin: O=Acme')).toBe(false);
    expect(trusts('X509.subject: O=Acme')).toBe(false);
  });

  it('admits nobody for no identity', () => {
    expect(isTrustedIdentity([], SUBJECT)).toBe(false);
  });
});
