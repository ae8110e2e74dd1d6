// Timestamp tokens: their form, their signer, and the path to a trusted authority.
import { type Rule, rules } from './rule.ts';

const VERIFICATION = 'notation/verification/authentic-timestamp.test.ts';
const TOKEN = 'notation/timestamp/token.test.ts';
const INFO = 'notation/timestamp/tst-info.test.ts';
const SIGNER = 'notation/timestamp/signer.test.ts';
const NAMED = 'notation/timestamp/signing-certificate.test.ts';

export const TIMESTAMP_TOKEN_RULES: readonly Rule[] = [
  ...rules('RFC 3161 "Response Format"', TOKEN, [
    [
      'token-signed-data',
      'A token is SignedData of version 3 that holds a TSTInfo.',
      ...['that is not signed data is refused', 'that is of version 1 is refused'],
      ...['that holds other content is refused', 'that holds no TSTInfo is refused'],
    ],
    [
      'token-der',
      'It is DER throughout; notation also takes BER of definite lengths.',
      ...['with an indefinite length is refused', 'with a length that is too long is refused'],
      ...['with trailing bytes is refused', 'with content in pieces, as BER allows, is refused'],
    ],
    [
      'token-certificates',
      'Its certificates are X.509.',
      ...[
        'that holds a certificate of another kind is refused',
        'that holds a malformed certificate is refused',
      ],
      'with its certificates in another order is accepted',
    ],
    [
      'token-bounds',
      'Bytes, certificates and signers are bounded.',
      ...[
        'has at most so many bytes',
        'has at most so many certificates',
        'has at most so many signers',
      ],
    ],
    [
      'token-imprint',
      'Its imprint is the digest of this signature, by SHA-256, SHA-384 or SHA-512.',
      'is over this signature and no other',
      `${INFO}: with a SHA-512 imprint is accepted`,
      `${INFO}: with an imprint by SHA-1 is refused`,
      `${VERIFICATION}: counts only for the signature that it was made for, and whole`,
    ],
    [
      'token-every-byte',
      'No change to what was signed is let through.',
      'notation/timestamp/mutation.test.ts: is refused if the change is to a byte that was signed',
    ],
  ]),

  ...rules('RFC 3161 "Response Format"', INFO, [
    [
      'info-version',
      'A TSTInfo is of version 1.',
      'of version 0 is refused',
      'of version 2 is refused',
    ],
    [
      'info-time',
      'Its time is UTC, to any fraction, in its shortest form.',
      'of 20260102030406.123Z is of 2026-01-02T03:04:06.123Z',
      ...['of "20260102030406.50Z" is refused', 'of "20260102030406+0000" is refused'],
    ],
    [
      'info-accuracy',
      'Accuracy is seconds, milliseconds and microseconds together; none is zero.',
      ...['accurate to all of them is so to 1002.003 ms', 'accurate to nothing is so to 0 ms'],
      'accurate to 1000 milliseconds is refused',
    ],
    [
      'info-baseline',
      'Under the baseline policy none or zero is one second.',
      'accurate to nothing, under the baseline policy is so to 1000 ms',
      'accurate to zero, under the baseline policy is so to 1000 ms',
    ],
    [
      'info-unchecked',
      'Nonce, order, serial number and name are for those who asked.',
      ...[
        'with a nonce is accepted',
        'that is ordered is accepted',
        'with the name of its authority is accepted',
      ],
    ],
    [
      'info-critical',
      'A critical extension is refused, since none is understood; notation does not look.',
      'with a critical extension is refused',
      'with extensions is accepted',
    ],
  ]),

  ...rules('RFC 5652 "SignerInfo Type"', SIGNER, [
    [
      'signer-version',
      'A signer is of version 1, named by issuer and serial number.',
      'that is of version 3 is refused',
      'that is named by its key is refused',
    ],
    [
      'signer-algorithms',
      'It signs by RSA, RSA-PSS or ECDSA over SHA-256, SHA-384 or SHA-512.',
      'with a key of %s and %o is accepted',
      ...['that signs with SHA-1 is refused', 'that digests with SHA-1 is refused'],
      ...[
        'that signs with Ed25519 is refused',
        'that signs with the defaults of RSA-PSS is refused',
      ],
    ],
    [
      'signer-signature',
      'The signature is over its signed attributes, by its key.',
      ...['that has another signature is refused', 'that has an empty signature is refused'],
      'notation/timestamp/signed-attributes.test.ts: have to be there, whatever else is signed',
    ],
    [
      'signer-attributes',
      'They have the content type, the digest of the TSTInfo, and the signing certificate.',
      'notation/timestamp/signed-attributes.test.ts: must have contentType',
      'notation/timestamp/signed-attributes.test.ts: must have messageDigest',
      'notation/timestamp/signed-attributes.test.ts: must have signingCertificateV2',
      'notation/timestamp/signed-attributes.test.ts: with another digest are refused',
    ],
    [
      'signer-time',
      'A signing time among them is one at which the chain was valid.',
      'notation/timestamp/signed-attributes.test.ts: have a signing time, if any, at which the chain was valid',
    ],
    ['signer-any', 'One good signer is enough.', 'is enough if it is good, wherever it stands'],
    [
      'signer-unsigned',
      'Unsigned attributes do not count.',
      'may have unsigned attributes, which do not count',
    ],
  ]),

  ...rules('RFC 5816 "Changes to RFC 3161"', NAMED, [
    [
      'signing-certificate-v2',
      'The signing certificate is named by signingCertificateV2, not by the older form.',
      'notation/timestamp/signed-attributes.test.ts: with a SHA-1 signing certificate in place of the V2 are refused',
      'must not be the name of none',
    ],
    [
      'signing-certificate-hash',
      'Its hash is SHA-256, which may be left out, SHA-384 or SHA-512, and matches.',
      ...[
        'may be named by the default hash',
        'may be named by SHA-512',
        'must not be named by SHA-1',
      ],
      'must not be the name of another certificate',
    ],
    [
      'signing-certificate-issuer',
      'Issuer and serial number, where they are named, match too.',
      ...[
        'may be named without issuer and serial number',
        'must not be the name of another issuer',
      ],
      'is the one that was signed for, not a twin of it',
    ],
  ]),

  ...rules('RFC 5280 "Certification Path Validation"', 'notation/timestamp/path.test.ts', [
    [
      'path-root',
      'The path leads to a root of a trust store, not to one that comes along.',
      ...[
        'leads to one of the trusted roots',
        'does not lead to a root that merely comes with the token',
      ],
      'does not lead to a root of the same name with another key',
    ],
    [
      'path-time',
      'It was valid at the time of the stamp, and may have expired since.',
      'is refused if its signer had expired at the time of the stamp',
      'is refused if its root was not valid yet at the time of the stamp',
      'may have expired since',
    ],
    [
      'path-rules',
      'It keeps the rules of timestamping chains.',
      ...[
        'must not have a signer for code too',
        'must not have an intermediate for another purpose',
      ],
      ...['must not have name constraints', 'must not have an unknown critical extension'],
    ],
    [
      'path-bounds',
      'The search for it is bounded, whatever certificates come along.',
      'notation/timestamp/path-search.test.ts: makes at most so many signature checks',
      'notation/timestamp/path-search.test.ts: does not go round in circles',
    ],
  ]),
];
