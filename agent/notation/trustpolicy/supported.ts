// What a valid trust policy may ask for, but this version does not perform.
import type { TrustPolicyDocument } from './document.ts';
import { Findings } from './findings.ts';
import { trustStoreType } from './trust-store-name.ts';

/**
 * Throws `policy_unsupported` with all `faults` together if a statement asks for timestamps (a
 * trust store of type tsa) or for a verification plugin (a trusted identity of another kind):
 * ignoring either would decide by another policy than the one written.
 */
export function assertSupported(document: TrustPolicyDocument): void {
  const findings = new Findings();
  for (const [index, statement] of document.statements.entries()) {
    const place = `trustPolicies[${index}]`;
    for (const name of statement.trustStores) {
      if (trustStoreType(name) !== 'tsa') continue;
      findings.fault(`${place}.trustStores`, 'no tsa store, as timestamps are not verified', name);
    }
    for (const { kind, text } of statement.trustedIdentities) {
      if (kind !== 'plugin') continue;
      const expected = '"*" or x509.subject, as plugins are not run';
      findings.fault(`${place}.trustedIdentities`, expected, text);
    }
  }
  findings.assertNoFaults('policy_unsupported');
}
