// Revocation of a chain: who is asked, in which order, and where nobody is ever asked.
import { type Rule, rules } from './rule.ts';

const SOURCE = 'verifier/evidence/revocation-source.test.ts';
const ADDRESS = 'verifier/evidence/address.test.ts';

export const REVOCATION_RULES: readonly Rule[] = [
  ...rules('trust-store-trust-policy.md "Certificate Revocation Evaluation"', SOURCE, [
    [
      'revocation-each',
      'Every certificate but the root is checked, all at once.',
      ...['has a status for each certificate but its root', 'of one certificate has none'],
      'is not asked for before it is checked, and then all at once',
    ],
    [
      'revocation-fallback',
      'The CRL is asked when the responder cannot tell, and only then.',
      'are asked when the responder cannot tell, and only then',
    ],
    [
      'revocation-nobody',
      'A certificate that names nobody cannot be revoked, and passes.',
      'notation/verification/revocation.test.ts: is not asked for where nobody is named, or by the root alone',
      'notation/revocation/chain-revocation.test.ts: passes when every certificate is good or cannot be revoked',
    ],
    [
      'revocation-final',
      'One that is revoked makes the chain revoked; failing that, one that is unknown makes it unknown.',
      'notation/revocation/chain-revocation.test.ts: fails when one is revoked, whatever is unknown of others',
      'notation/revocation/chain-revocation.test.ts: cannot be told when one is unknown',
    ],
    [
      'revocation-inconclusive',
      'Unknown is its own result, told from revoked.',
      'notation/verification/inconclusive.test.ts: takes exactly these codes for "could not tell"',
      'verifier/host-evidence.test.ts: from a server that is gone is refused as inconclusive: %s',
    ],
    [
      'revocation-deadline',
      'One deadline ends the whole check.',
      ...['ends the whole check', 'of the caller does too, before anything is asked'],
    ],
    [
      'revocation-http',
      'Only http is spoken, without credentials.',
      `${ADDRESS}: must not be https://crl.example/`,
      `${ADDRESS}: must not be ldap://crl.example/cn=1`,
      `${ADDRESS}: must not be http://user:word@crl.example/`,
    ],
    [
      'revocation-link-local',
      'Link-local and metadata addresses are never called, however they are written or resolved.',
      `${ADDRESS}: is refused when it is 169.254.169.254`,
      `${ADDRESS}: is refused when it is 64:ff9b::169.254.169.254`,
      `${ADDRESS}: is refused when it leads to a link-local address, among others or alone`,
      `${ADDRESS}: is refused when it leads there only the second time`,
    ],
    [
      'revocation-private',
      'Private and loopback addresses may be called.',
      `${ADDRESS}: is allowed when it is 10.0.0.1`,
      `${ADDRESS}: is allowed when it is 127.0.0.1`,
    ],
    [
      'revocation-redirects',
      'Redirects are followed within the host, and few of them.',
      ...['are followed within the host: %i', 'elsewhere are refused', 'are few'],
    ],
    [
      'revocation-cache',
      'What was fetched is kept for a stated time, shared, and never replaced by what is older.',
      'is shared by all who wait for it',
      'is fetched again when it is no longer fresh',
      'is not replaced by what is older',
      'is not tried for again shortly after a failure',
      'verifier/evidence/crl-files.test.ts: fetches anew what is forged there',
    ],
  ]),
];
