// Timestamp countersignatures: when one is needed, and what it proves.
import { type Rule, rules } from './rule.ts';

const VERIFICATION = 'notation/verification/authentic-timestamp.test.ts';

export const TIMESTAMP_RULES: readonly Rule[] = [
  ...rules(
    'trust-store-trust-policy.md "Timestamp Countersignature Verification details"',
    VERIFICATION,
    [
      [
        'timestamp-no-store',
        'Without a trust store of type tsa no timestamp is asked for.',
        'is not asked for by a statement without a trust store of type tsa',
      ],
      [
        'timestamp-always',
        'With one, a timestamp is needed, also while the certificates are fresh.',
        'is asked for always, also while the certificates are fresh',
        'notation/timestamp/token.test.ts: that is missing is told from one that is empty',
      ],
      [
        'timestamp-after-expiry',
        'Under afterCertExpiry only once some certificate of the chain has expired.',
        'is asked for only once a certificate has expired, where the statement says so',
        'is asked for once any certificate of the chain has expired',
      ],
      [
        'timestamp-not-yet-valid',
        'It is no help to a certificate that is not valid yet.',
        'is no help to a certificate that is not valid yet',
      ],
      [
        'timestamp-range',
        'The time, accuracy either way, is within the validity of every certificate, bounds included.',
        'puts the signature where all of its certificates were valid, accuracy included',
        'notation/timestamp/validity.test.ts: covers certificates as soon as it is accurate to',
        'notation/timestamp/validity.test.ts: does not cover certificates at a time that is off by a microsecond',
        'notation/timestamp/validity.test.ts: covers every certificate of the chain or none',
      ],
      [
        'timestamp-authority-scheme',
        'It is nothing to a signing authority, whose own time counts.',
        'is nothing to a signing authority, whose own word on the time counts',
      ],
      [
        'timestamp-revocation',
        'The chain of the authority has not been revoked, and that has to be known, at every level.',
        'must not have been revoked, and that has to be known',
        'is asked about also where the statement skips or logs revocation',
      ],
      [
        'timestamp-stores-missing',
        'A store of type tsa that cannot be loaded fails the timestamp alone.',
        'of type tsa fails the timestamp alone',
      ],
    ],
  ),
];
