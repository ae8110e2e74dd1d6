// OCSP: whom to ask and how, and when an answer counts.
import { type Rule, rules } from './rule.ts';

const SOURCE = 'verifier/evidence/revocation-source.test.ts';
const OCSP = 'notation/revocation/ocsp.test.ts';

export const OCSP_RULES: readonly Rule[] = [
  ...rules('trust-store-trust-policy.md "OCSP Download"', SOURCE, [
    [
      'ocsp-get-post',
      'A short request is a GET, a long one a POST.',
      'is asked by GET, and says that a certificate is good',
      'is asked by POST for what does not fit into a GET, and where there is a query',
    ],
    [
      'ocsp-order',
      'Responders are asked in order, until one gives a definite answer.',
      'is followed by the next, if it gives no answer',
      'is the last when it does not know the certificate',
    ],
    [
      'ocsp-status-200',
      'Only status 200 is an answer.',
      ...['that answers 500 tells nothing', 'that answers 204 tells nothing'],
    ],
    [
      'ocsp-bounds',
      'Time and bytes of an answer are bounded.',
      ...[
        'that is silent is given up',
        'that drips is given up',
        'that answers without end tells nothing',
      ],
      'notation/revocation/ocsp-malformed.test.ts: bounds the size',
    ],
  ]),

  ...rules('RFC 6960 "Response Syntax"', OCSP, [
    [
      'ocsp-match',
      'The answer is for this certificate: serial number, name and key of its issuer; notation matches the number alone.',
      'is refused when it is for another serial number',
      'is refused when it is for the name of another issuer',
      'is refused when it is for the key of another issuer',
    ],
    [
      'ocsp-one-answer',
      'There is exactly one answer for it.',
      'is refused when it is for the same certificate twice',
      'is refused when it is for no certificate',
    ],
    [
      'ocsp-statuses',
      'It says good, revoked or unknown; an error of the responder is no answer.',
      ...[
        'of the issuer says that a certificate is good',
        'says that the responder does not know it',
      ],
      ...['says that one is revoked, for reason %s', 'says with status %i that there is no answer'],
    ],
    [
      'ocsp-next-update',
      'It has a next update that has not passed.',
      'is refused once its next update has passed, and without one',
    ],
    [
      'ocsp-this-update',
      'It is not from the future, but for what clocks differ; notation does not look.',
      'is refused when it comes from the future, but for what clocks differ',
    ],
    [
      'ocsp-extensions',
      'A critical extension that is not understood makes it unusable; no nonce is needed.',
      'may have extensions, if those that it does not understand are not critical',
    ],
    [
      'ocsp-invalidity',
      'One that became invalid after an authority vouched for the signature is good.',
      'leaves a certificate %s that signed %i hours ago, by an authority',
      'counts only with the time of an authority, and only if it is there',
    ],
    [
      'ocsp-strict',
      'A response is DER, of version 1, without anything more.',
      'notation/revocation/ocsp-malformed.test.ts: refuses trailing bytes',
      'notation/revocation/ocsp-malformed.test.ts: refuses a version',
    ],
  ]),

  ...rules('RFC 6960 "Authorized Responders"', OCSP, [
    [
      'ocsp-signature',
      'It is signed by the issuer or by a delegate, not over SHA-1, over every byte that counts.',
      ...[
        'must be of the issuer that it names',
        'must not be over SHA-1',
        'covers every byte that counts',
      ],
    ],
    [
      'ocsp-delegate-issuer',
      'A delegate was issued by the issuer itself, and is sent along.',
      ...['must have been issued by the issuer itself', 'must be sent along'],
    ],
    [
      'ocsp-delegate-purpose',
      'A delegate is for OCSP; notation does not look.',
      ...['must be for OCSP, not have %s', 'must be for OCSP, not have code signing only'],
    ],
    [
      'ocsp-delegate-valid',
      'A delegate is valid now; notation does not look.',
      ...['must be valid now', 'ends its answer with its own end'],
    ],
    [
      'ocsp-delegate-nocheck',
      'A delegate without nocheck is itself looked for in a CRL.',
      'is left to be checked itself if it has no nocheck and can be revoked',
      `${SOURCE}: is itself looked for in the CRL that it names`,
      `${SOURCE}: is not believed once it is revoked`,
    ],
    ['ocsp-delegate-bound', 'There are at most eight certificates.', 'is one of eight at most'],
  ]),
];
