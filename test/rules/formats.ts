// JWS and COSE, decoded strictly.
import { type Rule, rules } from './rule.ts';

const JWS = 'notation/signature/jws.test.ts';
const COSE = 'notation/signature/cose.test.ts';

export const FORMAT_RULES: readonly Rule[] = [
  ...rules('signature-envelope-jws.md "Signature Envelope"', JWS, [
    [
      'jws-json',
      'An envelope is one JSON object.',
      'that is no JSON is refused',
      'that is no object is refused',
    ],
    ['jws-trailing', 'Nothing comes after it.', 'with another envelope behind it is refused'],
    [
      'jws-members',
      'It has payload, protected, header and signature, and nothing else, told with case.',
      ...[
        'without payload is refused',
        'without protected is refused',
        'without header is refused',
      ],
      ...['without signature is refused', 'with an unknown member is refused'],
      'with a member in other case is refused',
    ],
    [
      'jws-duplicates',
      'No member stands twice, in none of its objects; notation takes the last.',
      ...['with a member twice is refused', 'with a protected header twice is refused'],
      'with an unsigned header twice is refused',
    ],
    [
      'jws-base64url',
      'Payload, protected headers and signature are base64url, without padding, spaces or spare bits.',
      ...['with a padded payload is refused', 'with bits behind the payload is refused'],
      ...[
        'with a payload in plain base64 is refused',
        'with a line break in the signature is refused',
      ],
      'with protected headers in plain base64 is refused',
    ],
    ['jws-signature', 'The signature is not empty.', 'with an empty signature is refused'],
  ]),

  ...rules('signature-envelope-jws.md "Implementation Constraints"', JWS, [
    [
      'jws-algorithm',
      'The algorithm is one of six, by its exact name.',
      'with no signature is refused as algorithm_unsupported',
      'with a shared secret is refused as algorithm_unsupported',
      'with PKCS #1 v1.5 is refused as algorithm_unsupported',
      'with another case is refused as algorithm_unsupported',
    ],
    [
      'jws-header-once',
      'No header is both protected and not.',
      'with a header both protected and not is refused',
    ],
    [
      'jws-critical-headers',
      'Headers that JWS defines cannot be made critical.',
      'notation/signature/attributes.test.ts: must not make the header %s critical',
    ],
  ]),

  ...rules('signature-envelope-jws.md "Protected Headers"', JWS, [
    ['jws-content-type', 'The content type is there.', 'without content type is refused'],
    [
      'jws-times',
      'Times are RFC 3339, and exist.',
      'notation/encoding/rfc3339.test.ts: refuses a day that the calendar does not have',
      'notation/encoding/rfc3339.test.ts: refuses no zone',
      'notation/encoding/rfc3339.test.ts: refuses text after it',
    ],
  ]),

  ...rules('signature-envelope-jws.md "Unprotected Headers"', JWS, [
    [
      'jws-x5c',
      'x5c is a list of certificates in base64, and it is unsigned.',
      ...['without x5c is refused', 'with x5c that is no array is refused'],
      ...['with x5c in base64url is refused', 'with x5c in lines is refused'],
      'with x5c in the protected header is refused',
    ],
    [
      'jws-chain-bound',
      'There is a certificate, and there are at most ten.',
      'with no certificate is refused as certificate_chain_invalid',
      'with eleven certificates is refused as certificate_chain_invalid',
    ],
    [
      'jws-timestamp',
      'A timestamp is in base64.',
      ...[
        'with a timestamp that is no base64 is refused',
        'with a timestamp in base64url is refused',
      ],
    ],
    [
      'jws-agent',
      'The signing agent and other unsigned headers do not count.',
      'may have other unsigned headers, and any signing agent',
    ],
    [
      'jws-bounds',
      'Depth and number of values are bounded.',
      ...[
        'may nest so deep and no deeper',
        'may have so many values and no more, in either object',
      ],
    ],
  ]),

  ...rules('signature-envelope-cose.md "Signature Envelope"', COSE, [
    [
      'cose-tag',
      'An envelope has the tag of COSE_Sign1, in one byte, once, and no tag elsewhere.',
      ...[
        'without tag is refused',
        'with another tag is refused',
        'with its tag in two bytes is refused',
      ],
      ...['with its tag twice is refused', 'with a tag in the unprotected headers is refused'],
      ...['with a payload that is tagged is refused', 'with a signature that is tagged is refused'],
    ],
    [
      'cose-array',
      'It is an array of four of definite length.',
      ...[
        'of three parts is refused',
        'of five parts is refused',
        'of indefinite length is refused',
      ],
    ],
    ['cose-trailing', 'Nothing comes after it.', 'with bytes behind it is refused'],
    [
      'cose-duplicates',
      'No header stands twice, nor both protected and not.',
      ...[
        'with a protected header twice is refused',
        'with an unprotected header twice is refused',
      ],
      'with a label both protected and not is refused',
    ],
    [
      'cose-definite',
      'Nothing is of indefinite length or in a longer form than it needs.',
      'with protected headers of indefinite length is refused',
      'with protected headers in a longer form is refused',
      'notation/encoding/cbor.test.ts: refuses a map of indefinite length',
      'notation/encoding/cbor.test.ts: refuses a length that is too long',
    ],
    [
      'cose-payload',
      'The payload is there, and the signature is not empty.',
      ...['with a detached payload is refused', 'with an empty signature is refused'],
    ],
  ]),

  ...rules('signature-envelope-cose.md "Protected Header"', COSE, [
    [
      'cose-algorithm',
      'The algorithm is one of six, by its number.',
      ...[
        'with PKCS #1 v1.5 is refused as algorithm_unsupported',
        'with EdDSA is refused as algorithm_unsupported',
      ],
      'with the name of an algorithm is refused as algorithm_unsupported',
      'with HMAC is refused as algorithm_unsupported',
    ],
    [
      'cose-content-type',
      'The content type is text.',
      ...['with a content type that is a number is refused', 'without content type is refused'],
    ],
    [
      'cose-times',
      'A time is a number with tag 1.',
      ...['with a time that has no tag is refused', 'with a time that is text is refused'],
      ...[
        'with a time that has its tag twice is refused',
        'with another tag in the protected headers is refused',
      ],
    ],
    [
      'cose-integer-label',
      'An attribute with an integer label that is critical is refused; notation ignores it.',
      'notation/signature/attributes.test.ts: may not be hidden behind an integer label',
      'notation/signature/attributes.test.ts: is kept when it is not critical',
    ],
  ]),

  ...rules('signature-envelope-cose.md "Unprotected Headers"', COSE, [
    [
      'cose-x5chain',
      'x5chain is an array of certificates, unsigned or signed but not both.',
      ...['without x5chain is refused', 'with an x5chain that is one certificate is refused'],
      ...[
        'with an x5chain of text is refused',
        'may have its certificates in the protected headers, but not in both',
      ],
    ],
    [
      'cose-chain-bound',
      'There is a certificate, and there are at most ten.',
      'with no certificate is refused as certificate_chain_invalid',
      'with eleven certificates is refused as certificate_chain_invalid',
    ],
    ['cose-timestamp', 'A timestamp is bytes.', 'with a timestamp that is text is refused'],
    [
      'cose-agent',
      'The signing agent and other headers do not count.',
      'may have other headers, and any signing agent',
    ],
    [
      'cose-bounds',
      'Depth and number of items are bounded.',
      ...['may nest so deep and no deeper', 'may have so many items and no more'],
    ],
  ]),

  ...rules('signature-envelope-cose.md "Signature"', COSE, [
    [
      'cose-signed-bytes',
      'What is signed is a Sig_structure of the protected bytes as they came and no external data.',
      'is taken apart',
      'notation/signature/integrity.test.ts: accepts a key of p256 with ES256',
    ],
  ]),
];
