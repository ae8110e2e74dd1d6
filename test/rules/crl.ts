// CRLs and delta CRLs: which must be had, and when one counts.
import { type Rule, rules } from './rule.ts';

const SOURCE = 'verifier/evidence/revocation-source.test.ts';
const CRL = 'notation/revocation/crl.test.ts';

export const CRL_RULES: readonly Rule[] = [
  ...rules('trust-store-trust-policy.md "CRL Download"', SOURCE, [
    [
      'crl-points',
      'Of every distribution point one CRL must be had; its addresses are alternatives.',
      'of several distribution points must all be had',
      'of one distribution point are alternatives, in order',
    ],
    [
      'crl-bounds',
      'Time and bytes are bounded, at 32 MiB.',
      ...[
        'that are silent are given up',
        'that drip are given up',
        'that are without end tell nothing',
      ],
      `${CRL}: has at most 32 MiB and 32 extensions`,
      'of 20 MiB are read in place',
    ],
  ]),

  ...rules('trust-store-trust-policy.md "Revocation Checking with CRL"', CRL, [
    [
      'crl-issuer',
      'A CRL is of the issuer, by name and by key, which may sign CRLs; none is indirect.',
      ...['must be of the issuer, by name and by key', 'must be of an issuer that may sign CRLs'],
      'of several issuers is not used',
    ],
    [
      'crl-next-update',
      'It has a next update that has not passed.',
      'must have a next update that has not passed',
    ],
    [
      'crl-this-update',
      'It is not from the future, but for what clocks differ.',
      'must not come from the future, but for what clocks differ',
    ],
    [
      'crl-critical',
      'A critical extension that is not understood, in any entry too, makes it unusable.',
      'must not have critical extensions that are not understood, in no entry either',
    ],
    [
      'crl-sha1',
      'It is not signed over SHA-1.',
      'may be signed by RSA and RSA-PSS, but not over SHA-1',
    ],
    [
      'crl-listed',
      'A certificate that it lists is revoked, for whichever reason.',
      ...[
        'says that one is revoked, for reason %s',
        'says that a certificate is good which it does not list',
      ],
    ],
    [
      'crl-invalidity',
      'One that became invalid after an authority vouched for the signature is good.',
      'leaves a certificate %s that signed at %s',
    ],
    [
      'crl-distribution-point',
      'The point that it was issued for is one of the certificate, of its kind and its reasons; notation does not look.',
      'covers a certificate that names one of its addresses',
      'covers CAs only, or all others only',
      'of some reasons can say that a certificate is revoked, but not that it is good',
    ],
  ]),

  ...rules('trust-store-trust-policy.md "Revocation Checking with Delta CRLs"', CRL, [
    [
      'delta-needed',
      'Where the CRL or the certificate names a delta, it must be had.',
      'must be there if the CRL names one, or the certificate does',
      `${SOURCE}: are completed by the delta that they name`,
    ],
    [
      'delta-number',
      'A delta has a number, and a base that is not above that of the complete one, which has a number too.',
      ...['needs a number', 'needs an indicator', 'needs a complete one with a number'],
      ...[
        'needs a complete one that is new enough',
        'adds nothing when the complete one is as new',
      ],
    ],
    [
      'delta-merge',
      'The delta comes after the complete one: a hold may end, what is revoked for good stays so.',
      'makes a certificate %s with "%s" and then "%s"',
    ],
    [
      'delta-point',
      'A delta is of the same distribution point.',
      ...[
        'needs the distribution point of the complete one',
        'may have a distribution point if it is the same',
      ],
    ],
  ]),
];
