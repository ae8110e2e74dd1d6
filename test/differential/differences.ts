// The deliberate differences between nodeseal and notation. README shows this list, and each run holds it.
import { NOTATION_VERSION } from './notation.ts';

export interface Difference {
  /** Stable; names the difference in reports. */
  readonly id: string;
  /** What the two decide differently, in one sentence without a verb for the decision. */
  readonly what: string;
  /** notation decides the opposite. */
  readonly nodeseal: 'allow' | 'deny';
  /** The specification asks for our side; or it does not say, and ours is safer; or either is as good. */
  readonly side: 'specification' | 'safer' | 'either';
  /** Where the specification says so, or what the other side would risk. */
  readonly source: string;
  /** The kinds that show it: every case of them differs, and no case of another kind does. */
  readonly kinds: readonly string[];
}

export const DIFFERENCES: readonly Difference[] = [
  {
    id: 'unknown-critical-attribute',
    what: 'An unknown critical attribute, without a plugin to process it',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-specification.md, "Extended Attributes"',
    kinds: ['unknown critical attribute', 'b64 marked critical'],
  },
  {
    id: 'pss-salt',
    what: 'JWS with a PSS salt that is not as long as the hash',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-envelope-jws.md, `alg`, by RFC 7518 section 3.5',
    kinds: ['PSS salt of another length in JWS'],
  },
  {
    id: 'duplicate-member',
    what: 'A JSON member twice, in an envelope, its headers or its payload',
    nodeseal: 'deny',
    side: 'specification',
    source: 'RFC 7515 section 4; for the payload it is safer, as readers differ in which counts',
    kinds: [
      'duplicate member in JWS',
      'duplicate member in the protected header of JWS',
      'duplicate member in the payload',
    ],
  },
  {
    id: 'member-case',
    what: 'A JSON member of envelope or payload in another case',
    nodeseal: 'deny',
    side: 'specification',
    source: 'RFC 8259 section 8.3: names are compared character by character',
    kinds: [
      'member of JWS in another case',
      'protected header of JWS in another case',
      'member of the payload in another case',
    ],
  },
  {
    id: 'jws-members',
    what: 'JWS with further top level members',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-envelope-jws.md, "Signature Envelope"',
    kinds: ['member that JWS does not know'],
  },
  {
    id: 'header-in-both',
    what: 'A header both protected and unprotected',
    nodeseal: 'deny',
    side: 'specification',
    source: 'RFC 7515 section 4, RFC 9052 section 3',
    kinds: [
      'unsigned JWS header that repeats a protected one',
      'COSE label both protected and not',
    ],
  },
  {
    id: 'base64',
    what: 'base64 with line breaks, or with bits left over that are not zero',
    nodeseal: 'deny',
    side: 'specification',
    source: 'RFC 7515 section 2, RFC 4648 sections 3.1 and 3.5',
    kinds: ['line break in the base64 of JWS', 'bits left over in the base64 of JWS'],
  },
  {
    id: 'cose-shortest-form',
    what: 'COSE with lengths that are not in their shortest form',
    nodeseal: 'deny',
    side: 'safer',
    source: 'RFC 8949 section 4.1: one content has one encoding, and no two readers disagree',
    kinds: [
      'COSE that is not in its shortest form',
      'COSE protected header that is not in its shortest form',
    ],
  },
  {
    id: 'cose-time-of-other-scheme',
    what: 'The time header of the other signing scheme in COSE',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-envelope-cose.md, "Protected Headers"',
    kinds: ['time of the other scheme in COSE'],
  },
  {
    id: 'cose-signing-time-critical',
    what: '`signingTime` marked critical in COSE',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-envelope-cose.md, "Protected Headers"',
    kinds: ['signing time marked critical in COSE'],
  },
  {
    id: 'protected-x5chain',
    what: 'COSE with its certificates in the protected header',
    nodeseal: 'allow',
    side: 'specification',
    source: 'signature-envelope-cose.md, "Unprotected Headers"',
    kinds: ['x5chain in the protected header'],
  },
  {
    id: 'any-extended-key-usage',
    what: '`anyExtendedKeyUsage` on the leaf',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-specification.md, "Certificate Requirements"',
    kinds: ['anyExtendedKeyUsage of the leaf'],
  },
  {
    id: 'basic-constraints-critical',
    what: 'Basic constraints of a CA that are not critical',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-specification.md, "Certificate Requirements"',
    kinds: ['basic constraints of a CA that are not critical'],
  },
  {
    id: 'sha1-self-signed',
    what: 'A self-signed leaf that SHA-1 signs',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-specification.md, "Certificate Requirements"',
    kinds: ['self-signed leaf that SHA-1 signs'],
  },
  {
    id: 'certificate-algorithms',
    what: 'A CA with an RSA key below 2048 bits, with P-224 or with Ed25519',
    nodeseal: 'deny',
    side: 'safer',
    source: 'a chain is as strong as its weakest key, and the leaf’s must be of these sizes',
    kinds: ['CA with a weak key', 'certificate that Ed25519 signs'],
  },
  {
    id: 'leaf-like-its-root',
    what: 'A leaf with both the name and the key of its root',
    nodeseal: 'deny',
    side: 'safer',
    source: 'it is self-signed by RFC 5280 section 3.2, which only the last of a chain may be',
    kinds: ['leaf with the name and the key of its root'],
  },
  {
    id: 'bounds',
    what: 'Chains of more than 10 certificates, envelopes above 4 MiB, statements with more than 100 trusted identities, or with names or scopes of thousands of characters',
    nodeseal: 'deny',
    side: 'safer',
    source: 'whoever may push must not make a node work without end',
    kinds: [
      'chain longer than ten',
      'envelope above 4 MiB',
      'more than a hundred trusted identities',
      'policy with a very long name or scope',
    ],
  },
  {
    id: 'unusable-signature-first',
    what: 'A good signature after one that cannot be fetched or has not one layer',
    nodeseal: 'allow',
    side: 'specification',
    source: 'trust-store-trust-policy.md, "Signature Verification > Steps"',
    kinds: ['unusable signature before a good one'],
  },
  {
    id: 'signature-manifest',
    what: 'A signature whose own manifest has another artifact type, configuration or subject than the registry’s list says',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-specification.md, "OCI Signatures"',
    kinds: ['signature manifest that says of itself that it is something else'],
  },
  {
    id: 'skip-for-all',
    what: 'The level `skip` for the scope `*`',
    nodeseal: 'deny',
    side: 'specification',
    source: 'trust-store-trust-policy.md, "Signature Verification details"',
    kinds: ['level skip for the wildcard'],
  },
  {
    id: 'identity-without-c-st-o',
    what: 'A trusted identity without C, ST or O, such as `x509.subject: CN=example.io` (`policy check` warns)',
    nodeseal: 'allow',
    side: 'safer',
    source:
      'a policy that is refused as a whole locks out all images; the attributes given are matched',
    kinds: ['identity without C, ST or O'],
  },
  {
    id: 'unusual-subject',
    what: 'A leaf with several OUs, or with attributes that notation does not know',
    nodeseal: 'allow',
    side: 'specification',
    source: 'trust-store-trust-policy.md, "Trusted Identities Constraints"',
    kinds: ['leaf with an unusual subject, pinned by the rest'],
  },
  {
    id: 'policy-json',
    what: 'A trust policy with a member twice, a known member in another case, or text after its end',
    nodeseal: 'deny',
    side: 'safer',
    source: 'what its author wrote is not what would be in force',
    kinds: [
      'duplicate member in the document',
      'member of the document in another case',
      'bytes after the document',
    ],
  },
  {
    id: 'store-name-dots',
    what: 'Trust stores named `.` or `..`',
    nodeseal: 'deny',
    side: 'safer',
    source: 'they are other directories than a store’s',
    kinds: ['store of a name that leads elsewhere'],
  },
  {
    id: 'store-directory',
    what: 'A directory in a trust store',
    nodeseal: 'allow',
    side: 'specification',
    source: 'trust-store-trust-policy.md, "Trust Store": it is ignored',
    kinds: ['directory in a store'],
  },
  {
    id: 'symbolic-links',
    what: 'Policy and trust stores by symbolic links that stay inside the trust stores’ directory',
    nodeseal: 'allow',
    side: 'safer',
    source: 'ConfigMap and Secret volumes are made of them',
    kinds: ['symbolic link in a store', 'document that is a symbolic link'],
  },
  {
    id: 'ocsp-responder',
    what: 'An OCSP answer by a delegate without `id-kp-OCSPSigning`, or by an expired one',
    nodeseal: 'deny',
    side: 'specification',
    source:
      'trust-store-trust-policy.md, "Certificate Revocation Evaluation", by RFC 6960 section 4.2.2.2',
    kinds: ['OCSP: a delegate that may not answer'],
  },
  {
    id: 'ocsp-answer',
    what: 'An OCSP answer for the same serial number of another issuer, by a hash that was not asked by, or from the future',
    nodeseal: 'deny',
    side: 'specification',
    source:
      'trust-store-trust-policy.md, "Certificate Revocation Evaluation", by RFC 6960 section 3.2',
    kinds: [
      'OCSP: an answer for another issuer',
      'OCSP: an answer by a hash that nobody asks by',
      'OCSP: an answer from the future',
    ],
  },
  {
    id: 'untrusted-revocation',
    what: 'An untrusted chain where authenticity is only logged, revocation is enforced and a certificate names who knows it',
    nodeseal: 'deny',
    side: 'safer',
    source:
      'nobody is asked for a chain that is not trusted, so that it cannot make a node call anywhere',
    kinds: ['untrusted chain whose revocation is enforced'],
  },
  {
    id: 'untrusted-plugin',
    what: 'An untrusted chain that asks for a verification plugin, where authenticity is only logged',
    nodeseal: 'deny',
    side: 'safer',
    source:
      'nothing is run for a chain that is not trusted, and without it what the signature asks for is not done',
    kinds: ['untrusted chain that asks for a plugin, where trust is only logged'],
  },
  {
    id: 'plugin-link',
    what: 'A verification plugin that is a symbolic link',
    nodeseal: 'deny',
    side: 'specification',
    source: 'plugin-extensibility.md, "Plugin Installation Path"',
    kinds: ['plugin by a symbolic link'],
  },
  {
    id: 'identity-attribute-twice',
    what: 'A trusted identity with an attribute twice, the first of them empty',
    nodeseal: 'deny',
    side: 'specification',
    source: 'trust-store-trust-policy.md, "Trusted Identities Constraints"',
    kinds: ['identity with an attribute twice, first without a value'],
  },
  {
    id: 'unevaluated-extension',
    what: 'A leaf with a malformed extension that is of no account for signatures',
    nodeseal: 'allow',
    side: 'specification',
    source: 'signature-specification.md, "Certificate Requirements": others are not evaluated',
    kinds: ['leaf with an extension that is malformed, and not evaluated'],
  },
  {
    id: 'printable-string',
    what: 'A leaf with `@`, `_` and the like in a PrintableString of its name',
    nodeseal: 'allow',
    side: 'either',
    source: 'certificates in the wild have them',
    kinds: ['leaf whose name has characters that its type lacks'],
  },
  {
    id: 'strict-der',
    what: 'A leaf with bytes after its basic constraints, an extended key usage without a purpose, or an empty RDN',
    nodeseal: 'deny',
    side: 'specification',
    source: 'RFC 5280 sections 4.1.2.4, 4.2.1.9 and 4.2.1.12',
    kinds: ['leaf that is not quite as X.509 has it'],
  },
  {
    id: 'revocation-without-address',
    what: 'A certificate that names OCSP or a CRL, but no address of it',
    nodeseal: 'deny',
    side: 'safer',
    source: 'it can be revoked, and nobody can tell whether it was',
    kinds: ['leaf whose revocation is somewhere without an address'],
  },
  {
    id: 'payload-types',
    what: 'A payload whose size is written `394.0`, or with members that do not count and are of another type',
    nodeseal: 'allow',
    side: 'either',
    source: 'they are the same number by RFC 8259 section 6, and what does not count is not read',
    kinds: ['payload that Go’s types do not hold'],
  },
  {
    id: 'payload-bounds',
    what: 'A payload with half a surrogate pair, 200 levels, or a number that no double holds',
    nodeseal: 'deny',
    side: 'safer',
    source: 'RFC 8259 sections 6, 8.2 and 9: readers may set such limits, and differ beyond them',
    kinds: ['payload beyond what readers have in common'],
  },
  {
    id: 'times',
    what: 'Times outside RFC 3339: a comma before the fraction, an offset of a day, `null`, before 1970 or after 9999 in COSE',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-envelope-jws.md and signature-envelope-cose.md, signed attributes',
    kinds: [
      'time that RFC 3339 does not know, but Go does',
      'COSE time that RFC 3339 cannot write',
    ],
  },
  {
    id: 'plugin-version-alone',
    what: 'A minimum version of a plugin that is not critical, without a plugin',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-specification.md, "Extended Attributes"',
    kinds: ['minimum version of a plugin that is neither critical nor named'],
  },
  {
    id: 'cose-rare-types',
    what: 'COSE attributes with rare types: undefined, short floats, simple values, other tags, labels that are bytes, more than 16 levels',
    nodeseal: 'deny',
    side: 'safer',
    source:
      'nothing in an envelope needs them, and each is more to get wrong in a reader of hostile bytes',
    kinds: ['COSE attribute of a rare type'],
  },
  {
    id: 'unused-headers',
    what: 'Headers that verification does not use, of another type than RFC 9052 gives them, or `X5C` beside `x5c`',
    nodeseal: 'allow',
    side: 'either',
    source: 'what is not used is not judged',
    kinds: ['header that is not used, of another type than its own'],
  },
  {
    id: 'timestamp-header-type',
    what: 'A timestamp header that is no bytes, where no timestamp is asked for',
    nodeseal: 'deny',
    side: 'specification',
    source: 'signature-envelope-jws.md and signature-envelope-cose.md, unsigned attributes',
    kinds: ['timestamp header of another type'],
  },
];

const SIDES = {
  specification: 'The specification',
  safer: 'Ours is safer',
  either: 'Either will do',
} as const satisfies Readonly<Record<Difference['side'], string>>;

/** README's table, its head first. */
export function differencesTable(): readonly (readonly string[])[] {
  const verdicts = { allow: ['refuses', 'accepts'], deny: ['accepts', 'refuses'] } as const;
  const rows = DIFFERENCES.map(({ what, nodeseal, side, source }) => {
    return [what, ...verdicts[nodeseal], `${SIDES[side]}: ${source}`];
  });
  return [['What', `notation ${NOTATION_VERSION}`, 'nodeseal', 'Which side is right'], ...rows];
}
