// What both envelope formats share: payload, signed attributes, algorithms, the signature itself.
import { type Rule, rules } from './rule.ts';

const ATTRIBUTES = 'notation/signature/attributes.test.ts';
const INTEGRITY = 'notation/signature/integrity.test.ts';

export const ENVELOPE_RULES: readonly Rule[] = [
  ...rules('signature-specification.md "Payload"', 'notation/signature/payload.test.ts', [
    [
      'payload-type',
      'The content type is that of payloads.',
      'notation/signature/jws.test.ts: with another content type is refused as payload_invalid',
      'notation/signature/cose.test.ts: with another content type is refused as payload_invalid',
    ],
    [
      'payload-target',
      'The payload is a JSON object with one target: media type, digest, size.',
      ...['reads the descriptor', 'refuses no target', 'refuses two targets', 'refuses no JSON'],
      ...['refuses a target without media type', 'refuses a target without digest'],
      ...['refuses a target with a wrong digest', 'refuses a target without size'],
      'refuses another document behind it',
    ],
    [
      'payload-present',
      'The payload is not empty.',
      'notation/signature/jws.test.ts: with an empty payload is refused',
      'notation/signature/cose.test.ts: with an empty payload is refused',
    ],
    [
      'payload-annotations',
      'Annotations are user metadata, also with the reserved prefix; other members are ignored.',
      'reads user metadata and ignores other members',
      'reads annotations with the reserved prefix like any other',
    ],
  ]),

  ...rules('signature-specification.md "Signed Attributes"', ATTRIBUTES, [
    [
      'scheme-known',
      'The signing scheme is there, and one of two.',
      'with no scheme are refused as envelope_invalid',
      'with an unknown scheme are refused as attribute_unsupported',
      'may hold the scheme notary.x509',
      'may hold the scheme of signing authorities',
    ],
    [
      'scheme-critical',
      'The scheme is critical.',
      'with a crit without the scheme are refused as envelope_invalid',
    ],
    [
      'signing-time',
      'Each scheme has its own time.',
      'with no signing time are refused as envelope_invalid',
      'with no authentic signing time are refused as envelope_invalid',
      'with a signing time that is no time are refused as envelope_invalid',
    ],
    [
      'signing-time-other',
      'The time of the other scheme is not there; notation lets it pass in COSE.',
      'with the time of the other scheme beside its own are refused as envelope_invalid',
      'with a signing time beside the authentic one are refused as envelope_invalid',
    ],
    [
      'authentic-time-critical',
      'The authentic signing time is critical, the signing time is not.',
      'with a crit without the authentic signing time are refused as envelope_invalid',
      'with a crit that names the signing time are refused as envelope_invalid',
    ],
    [
      'expiry-critical',
      'An expiry is critical.',
      'with a crit without the expiry are refused as envelope_invalid',
    ],
    [
      'expiry-after',
      'An expiry is later than the signing time.',
      'with an expiry at the signing time are refused as envelope_invalid',
      'with an expiry before the signing time are refused as envelope_invalid',
      'with an expiry before the authentic signing time are refused as envelope_invalid',
    ],
    [
      'crit-present',
      'There is a list of critical attributes, and it is not empty.',
      'with no crit are refused as envelope_invalid',
      'with an empty crit are refused as envelope_invalid',
    ],
    [
      'crit-names',
      'It names what is there, once, and no header of the format.',
      'with a crit that names what is absent are refused as envelope_invalid',
      'with a crit that names the same twice are refused as envelope_invalid',
      'with a crit that names the algorithm are refused as envelope_invalid',
      'with a crit that names the content type are refused as envelope_invalid',
      'with a crit that names an unsigned header are refused as envelope_invalid',
    ],
    [
      'critical-unknown',
      'A critical attribute that nobody understands is refused; notation lets it pass without a plugin.',
      'with an unknown critical attribute are refused as attribute_unsupported',
      'may hold an unknown attribute that is not critical',
      'is refused when it is critical, also beside a plugin',
    ],
  ]),

  ...rules(
    'signature-specification.md "Algorithm Selection"',
    'notation/x509/key-algorithm.test.ts',
    [
      [
        'algorithm-of-key',
        'The key of the leaf gives the algorithm: three sizes of RSA, three curves, no others.',
        ...['gives rsa-2048 the algorithm PS256', 'gives rsa-3072 the algorithm PS384'],
        ...['gives rsa-4096 the algorithm PS512', 'gives p256 the algorithm ES256'],
        ...['gives p384 the algorithm ES384', 'gives p521 the algorithm ES512'],
        ...['refuses rsa-1024', 'refuses rsa-2560', 'refuses p224', 'refuses ed25519'],
      ],
      [
        'algorithm-header',
        'The algorithm that the envelope names is this one.',
        `${INTEGRITY}: refuses an envelope whose algorithm is not the one of the key`,
        `${INTEGRITY}: refuses an envelope whose algorithm is of another kind`,
        `${INTEGRITY}: refuses an envelope signed with another algorithm than the key is for, and saying so`,
      ],
      [
        'algorithm-ecdsa',
        'ECDSA signatures are r and s, each as long as the curve.',
        `${INTEGRITY}: refuses an envelope whose r and s are a byte longer than the curve`,
        `${INTEGRITY}: refuses an envelope whose signature is DER`,
        'notation/encoding/crypto.test.ts: refuses a signature with a byte less',
      ],
      [
        'algorithm-pss',
        'RSA is PSS, its salt as long as its hash; notation takes any salt in JWS.',
        `${INTEGRITY}: refuses an envelope whose salt is shorter than the hash`,
        `${INTEGRITY}: refuses an envelope whose salt is longer than the hash`,
        `${INTEGRITY}: refuses an envelope whose RSA signature is PKCS #1 v1.5`,
      ],
    ],
  ),

  ...rules('trust-store-trust-policy.md "Steps"', INTEGRITY, [
    [
      'integrity-signature',
      'The signature is by the key of the leaf, over the signed attributes and the payload.',
      ...[
        'refuses an envelope signed with another key',
        'refuses an envelope with another payload',
      ],
      'refuses an envelope with the signature of another envelope',
      'refuses an envelope with the chain of another',
    ],
    [
      'integrity-every-byte',
      'No change to a signed byte is ever let through.',
      'refuses any envelope in which a bit of its %s changed',
      'gives the same target or an error, whatever byte of the envelope changes',
      'fuzz/signed.test.ts: to a %s is refused, or leaves what it says',
    ],
    [
      'integrity-format',
      'A signature over the bytes of one format does not count in the other.',
      'refuses an envelope signed as in the other format',
    ],
    [
      'integrity-order',
      'The payload is looked into only after the signature.',
      'looks into the payload only after the signature',
    ],
    [
      'integrity-chain',
      'The chain keeps the rules for code signing.',
      ...[
        'refuses an envelope whose chain has no root',
        'refuses an envelope whose leaf may not sign code',
      ],
    ],
    [
      'integrity-descriptor',
      'Media type, digest and size of the target are those of the image, and nothing else counts.',
      'notation/verification/signature.test.ts: made for an artifact of another digest fails integrity, also under audit',
      'notation/verification/signature.test.ts: made for an artifact of another size fails integrity, also under audit',
      'notation/verification/signature.test.ts: made for an artifact of another mediaType fails integrity, also under audit',
      'notation/verification/signature.test.ts: is bound by digest, size and media type alone, whatever else describes the artifact',
    ],
  ]),
];
