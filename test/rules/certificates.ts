// Chains of certificates that sign code, and of those that sign timestamps.
import { type Rule, rules } from './rule.ts';

const CHAIN = 'notation/x509/chain.test.ts';
const CODE = 'notation/x509/code-signing.test.ts';
const TSA = 'notation/x509/timestamping.test.ts';

export const CERTIFICATE_RULES: readonly Rule[] = [
  ...rules('signature-specification.md "Certificate Requirements"', CHAIN, [
    [
      'chain-order',
      'A chain goes from the leaf to the root.',
      ...['comes back leaf first', 'from root to leaf is refused', 'of nothing is refused'],
    ],
    [
      'chain-issuer',
      'Each certificate is issued by the next one, by name and by signature.',
      ...['without its intermediate is refused', 'with the intermediate of another is refused'],
      'whose leaf names its issuer but was signed by another key is refused',
      'whose leaf was signed by its issuer but names another is refused',
    ],
    [
      'chain-root',
      'The last one is self-signed.',
      ...['without its root is refused', 'of an issued leaf alone is refused'],
    ],
    [
      'chain-self-signed',
      'No other one is, which the signature tells, not the name.',
      ...[
        'with its root twice is refused',
        'with a certificate after a self-signed leaf is refused',
      ],
      'tells a leaf from its root by the signature when both have one name',
    ],
    [
      'chain-one',
      'A self-signed leaf may be alone, and keeps the rules of leaves.',
      'may be one self-signed leaf',
      'notation/x509/code-signing.test.ts: of one leaf has to keep the rules for leaves',
    ],
    [
      'chain-sha1',
      'Nothing is signed over SHA-1 or MD5, self-signed leaves included; notation lets those pass.',
      'notation/x509/code-signing.test.ts: signed with SHA-1 is refused',
      'notation/x509/code-signing.test.ts: of one self-signed leaf may not use SHA-1, which notation lets pass',
      'notation/x509/issuance.test.ts: refuses rsa-2048 with rsa-md5, though the signature is good',
    ],
    [
      'chain-length',
      'A chain has at most ten certificates.',
      'may be as long as the bound and no longer',
    ],
  ]),

  ...rules('signature-specification.md "Leaf Certificates"', CODE, [
    [
      'leaf-no-ca',
      'A leaf is no CA; basic constraints may be absent.',
      ...['that is a CA is refused', 'without basic constraints is accepted'],
    ],
    [
      'leaf-key-usage',
      'Key usage is there, critical, and has digitalSignature.',
      ...['without key usage is refused', 'with key usage that is not critical is refused'],
      'without digitalSignature is refused',
    ],
    [
      'leaf-key-usage-forbidden',
      'It has nothing else but contentCommitment.',
      'that may also %s is refused',
      'that may also commit to content is accepted',
    ],
    [
      'leaf-purposes',
      'Extended key usage may be absent, and is not for servers, clients, e-mail or timestamps.',
      ...[
        'without extended key usage is accepted',
        'for servers is refused',
        'for clients is refused',
      ],
      ...['for e-mail is refused', 'for time stamps is refused'],
    ],
    [
      'leaf-any-purpose',
      'It is not for any purpose; notation lets that pass.',
      'for any purpose is refused',
    ],
    ['leaf-ocsp', 'It is not for OCSP either, as notation has it.', 'for OCSP is refused'],
    [
      'leaf-key',
      'The key is RSA of 2048, 3072 or 4096 bits, or on P-256, P-384 or P-521.',
      'with an RSA key is accepted',
      ...['with rsa-1024 is refused', 'with rsa-2560 is refused', 'with p224 is refused'],
      'with ed25519 is refused',
    ],
  ]),

  ...rules('signature-specification.md "Root and Intermediate CA Certificates"', CODE, [
    [
      'ca-basic-constraints',
      'A CA has basic constraints that say so.',
      ...['without basic constraints is refused', 'that is no CA is refused'],
    ],
    [
      'ca-basic-constraints-critical',
      'They are critical; notation does not ask that.',
      'with basic constraints that are not critical is refused',
    ],
    [
      'ca-path-length',
      'The path length, if any, allows for the CAs below.',
      ...['with a path length that just suffices is accepted', 'counts the CA certificates below'],
    ],
    [
      'ca-key-usage',
      'Key usage is there, critical, and has keyCertSign.',
      ...['without key usage is refused', 'with key usage that is not critical is refused'],
      'without keyCertSign is refused',
    ],
  ]),

  ...rules('signature-specification.md "Other requirements"', CODE, [
    [
      'certificate-other-extensions',
      'Other extensions do not count, even critical ones.',
      'with an unknown critical extension is accepted',
      'notation/x509/certificate.test.ts: ignores other extensions, even critical ones',
    ],
    [
      'certificate-validity',
      'Validity is no matter of integrity.',
      'that expired long ago is accepted',
      'notation/signature/integrity.test.ts: is not moved by the validity of certificates',
    ],
    [
      'certificate-der',
      'A certificate is DER, whole and with nothing after it.',
      'notation/x509/certificate-malformed.test.ts: refuses trailing bytes',
      'notation/x509/certificate-malformed.test.ts: refuses an extension twice',
      'notation/x509/certificate-malformed.test.ts: refuses another algorithm inside than outside',
      'notation/x509/certificate-malformed.test.ts: bounds the size',
    ],
  ]),

  ...rules('RFC 3161 "Identification of the TSA"', TSA, [
    [
      'tsa-purpose',
      'The leaf of an authority is for timestamps, critically, and for nothing else.',
      ...['without extended key usage is refused', 'for code signing too is refused'],
      ...['for any purpose is refused', 'for an unknown purpose too is refused'],
      'with extended key usage that is not critical is refused',
    ],
    [
      'tsa-key-usage',
      'Its key usage need not be critical, and has digitalSignature.',
      ...['with key usage that is not critical is accepted', 'without digitalSignature is refused'],
      'that may also %s is refused',
    ],
    ['tsa-key', 'Its key is one that may sign.', 'with an odd size of key is refused'],
    ['tsa-no-ca', 'It is no CA.', 'that is a CA is refused'],
    [
      'tsa-critical',
      'A critical extension that is not understood is refused, as RFC 5280 has it.',
      'with an unknown critical extension is refused',
      ...['with constraints on names is refused', 'with constraints on policies is refused'],
    ],
    [
      'tsa-ca',
      'Its CAs are CAs by critical basic constraints, with keyCertSign where there is key usage.',
      ...[
        'with basic constraints that are not critical is refused',
        'without keyCertSign is refused',
      ],
      'has no more CAs than the path length of one above allows',
    ],
    [
      'tsa-ca-purpose',
      'A CA that has extended key usage may issue for timestamps.',
      'that issues for code signing only is refused',
      'that may issue for timestamping and more is accepted',
    ],
  ]),
];
