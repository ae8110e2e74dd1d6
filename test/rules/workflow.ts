// The order of the validations, what each level makes of them, authenticity and expiry.
import { type Rule, rules } from './rule.ts';

const LEVELS = 'notation/verification/levels.test.ts';
const SIGNATURE = 'notation/verification/signature.test.ts';

export const WORKFLOW_RULES: readonly Rule[] = [
  ...rules('trust-store-trust-policy.md "Steps"', 'notation/verification/evaluation.test.ts', [
    [
      'order',
      'Validations are made in the order of the specification.',
      'performs the five validations in the order of the specification',
    ],
    [
      'order-enforced',
      'The first enforced failure ends it, and the rest is not made.',
      'stops at the first enforced failure and records the rest as skipped',
      'stops at an enforced failure behind one that is only logged',
    ],
    [
      'order-logged',
      'After a failure that is only logged it goes on.',
      'goes on after a failure that is only logged',
    ],
    ['order-skipped', 'What is skipped is not made.', 'does not perform what the statement skips'],
    [
      'proof-of-all',
      'Nothing is allowed without results.',
      'notation/verification/decision.test.ts: takes no results for no proof',
      'notation/verification/decision.test.ts: asks that no enforced validation failed',
    ],
  ]),

  ...rules('trust-store-trust-policy.md "Signature Verification details"', LEVELS, [
    [
      'level-enforce-or-log',
      'Each level enforces or logs each failure as its row says.',
      ...[
        'does what it says about a failure of integrity',
        'does what it says about a failure of expiry',
      ],
      'does what it says about a failure of authenticity',
      'does what it says about a failure of authenticTimestamp',
      'does what it says about a failure of revocation',
      'of revocation to log let pass what strict denies, and to enforce deny what audit lets pass',
    ],
    [
      'level-integrity-always',
      'Integrity is enforced at every level, audit included.',
      `${SIGNATURE}: whose signed bytes were changed fails integrity and names no signer, also under audit`,
    ],
    [
      'level-audit-unsigned',
      'Audit refuses what has no usable signature.',
      'verifier/signatures.test.ts: without a signature that can be used is refused at level audit',
      'verifier/signatures.test.ts: whose signature is for another image is refused at every level',
    ],
    [
      'level-revocation-skip',
      'Revocation that is skipped is not asked for.',
      'of revocation to skip accept a certificate with %o as verified',
      'notation/verification/revocation.test.ts: is not asked for where the statement skips it',
    ],
  ]),

  ...rules('trust-store-trust-policy.md "Steps"', SIGNATURE, [
    [
      'authenticity-store',
      'A certificate of the chain is, byte for byte, one of a trust store.',
      'asks for a certificate of the chain, not for one that has its name, nor its key',
      'takes an intermediate certificate for an anchor',
    ],
    [
      'authenticity-stores-missing',
      'Stores that cannot be loaded trust nobody.',
      'fails for the reason why a store of its type is not there, which a level may log',
      'verifier/verifier.test.ts: deny where authenticity is enforced, and are logged where it is',
    ],
    [
      'authenticity-identity',
      'The subject of the leaf is a trusted identity, beside the trusted certificate.',
      'asks for a trusted identity, beside a trusted certificate',
    ],
    ['expiry', 'A signature expires at its expiry.', 'expires at its expiry, not before'],
    [
      'validity-now',
      'Without a timestamp, every certificate is valid now.',
      'counts from the first to the last moment of every certificate',
      'is that of the whole chain, not of the leaf alone',
    ],
    [
      'validity-authority',
      'Under a signing authority, every certificate was valid at the authentic signing time.',
      'is asked of the time that a signing authority vouches for, and of no claim of a signer',
    ],
    [
      'no-call-untrusted',
      'For a chain that no trust store anchors nothing is fetched and nothing is run, at any level.',
      'notation/verification/revocation.test.ts: makes no call, at any level',
      'notation/verification/plugin.test.ts: is not run for a chain that no trust store anchors: %s',
      'verifier/host-evidence.test.ts: asks nobody, at no level: %s',
    ],
  ]),
];
