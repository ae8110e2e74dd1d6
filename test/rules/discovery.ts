// How signatures of an image are found, fetched, ordered and counted.
import { type Rule, rules } from './rule.ts';

const REFERRERS = 'verifier/registry/referrers.test.ts';
const SIGNATURES = 'verifier/signatures.test.ts';

export const DISCOVERY_RULES: readonly Rule[] = [
  ...rules('OCI distribution-spec "Listing Referrers"', REFERRERS, [
    [
      'referrers-api',
      'Referrers are listed by the API, in the order of the registry.',
      'lists in one request, in the order of the registry',
    ],
    [
      'referrers-type',
      'Those of another artifact type are dropped, whatever the registry says it filtered by.',
      'drops other artifact types, whatever the registry says it filtered by',
      'keeps a descriptor without an artifact type, and without a manifest, only from a registry that filtered',
    ],
    [
      'referrers-unsupported',
      'A 404, or an answer that is no index, means that there is no API; other errors do not.',
      'reads it where referrers are %j',
      'does not take an error for a registry without the API',
      'does not look for a tag in a repository that does not exist',
    ],
    [
      'referrers-tag',
      'Without the API, the index under the tag made of the digest is read; without the tag there are none.',
      'gives an empty list where there is no such tag',
      'cuts the value of a long digest',
      ...[
        'refuses a tag that is not an index',
        'drops other artifact types, and those without one',
      ],
    ],
    [
      'referrers-pages',
      'Pages are followed by their links, within the origin of the first.',
      'follows links to the last page',
      'verifier/registry/link.test.ts: stays at the origin of the page, whatever a link to %s says',
    ],
    [
      'referrers-bounds',
      'Pages, referrers and bytes are bounded, and it is told when there are more.',
      ...['referrers', 'pages', 'bytes'].map(
        (kind) => `says that there are more than the limit of ${kind}`,
      ),
      'refuses a page larger than a manifest may be',
      'ends when a page links to itself',
    ],
    [
      'referrers-malformed',
      'A malformed entry is left out and hides no other.',
      'leaves out a malformed entry and keeps the others',
    ],
  ]),

  ...rules('OCI distribution-spec "Pulling manifests"', 'verifier/registry/resolve.test.ts', [
    [
      'resolve-digest',
      'What a digest is resolved to has this digest.',
      'refuses a digest that is not the one in the reference',
      'refuses a manifest whose bytes do not have the stated digest',
      'asks for a digest by digest, whatever the tag',
    ],
    ['resolve-reference', 'A reference has a tag or a digest.', 'needs a tag or a digest'],
    [
      'resolve-once',
      'Where the descriptor is known, the tag has no say.',
      'verifier/verifier.test.ts: gives its tag no say when there is a descriptor: the tag may have moved since',
    ],
    [
      'content-digest',
      'Bytes of manifests and blobs have the digest and the size of their descriptor.',
      'verifier/registry/content.test.ts: refuses other bytes of the same size',
      'verifier/registry/content.test.ts: refuses fewer bytes',
      'verifier/registry/content.test.ts: stops reading at the size of the descriptor',
    ],
  ]),

  ...rules('signature-specification.md "OCI Signatures"', 'notation/signature/manifest.test.ts', [
    [
      'signature-forms',
      'A signature is known by its artifact type, or by its configuration, or is a legacy artifact.',
      'finds the envelope of a signature known %s',
      ...['refuses both forms at once', 'refuses neither form', 'refuses an index'],
    ],
    [
      'signature-type',
      'Its type is exactly that of signatures: those of dm-verity layers are others.',
      ...['refuses a dm-verity artifact type', 'refuses a dm-verity configuration'],
      'refuses an artifact type in other case',
    ],
    [
      'signature-subject',
      'Its subject is the image; notation does not look.',
      ...['refuses no subject', 'refuses another subject'],
      'verifier/signatures.test.ts: is refused when the signature manifest listed for it belongs to another image',
    ],
    [
      'signature-one-envelope',
      'It holds exactly one envelope.',
      ...['refuses no layer', 'refuses two layers', 'refuses no blob', 'refuses two blobs'],
    ],
    [
      'signature-manifest-size',
      'A manifest of more than 4 MiB is not asked for.',
      'verifier/registry/content.test.ts: does not ask for a manifest of more than 4 MiB',
    ],
    [
      'signature-envelope-size',
      'An envelope has a bound in bytes.',
      'notation/signature/integrity.test.ts: bounds the size before anything else',
      'verifier/registry/content.test.ts: accepts a blob as large as the limit and does not ask for a larger one',
    ],
    [
      'signature-envelope-type',
      'The media type of the layer says which format: JWS, COSE, and no other.',
      'notation/signature/integrity.test.ts: goes by the media type',
      'notation/verification/signature.test.ts: fails for bytes that are no envelope and for a type that is not of one',
    ],
  ]),

  ...rules('signature-specification.md "OCI Signature Filtering"', SIGNATURES, [
    [
      'signature-none',
      'An image without signatures is refused, at every level but skip.',
      'without signatures is refused, and allowed once it is signed',
    ],
    [
      'signature-bad-skipped',
      'One that is bad or cannot be fetched hides no good one; notation gives up.',
      'by another CA: certificate_untrusted',
      ...['that is junk: envelope_invalid', 'that is not there: registry_not_found'],
      ...['of two envelopes: signature_manifest_invalid', 'that cannot be fetched now'],
      'verifier/junk.test.ts: of every kind before a good one are counted, but for those left for later',
    ],
    [
      'signature-first-success',
      'The first good one in order decides, and what is under way for others ends.',
      'verifier/candidates.test.ts: are looked at in their order, whichever comes first',
      'verifier/candidates.test.ts: under way are broken off once one is good, and nothing of them is left',
    ],
    [
      'signature-limit',
      'At most one hundred are looked at; that there are more is told, and matters only without a good one.',
      'are told from bad ones, and do not matter once a good one was seen',
      'verifier/junk.test.ts: before a good one, each %s, do not hide it',
      'verifier/junk.test.ts: and nothing else cost bounded bytes and requests, and are all looked at',
    ],
    [
      'signature-thumbprints',
      'The annotation of thumbprints gives the order, whatever its case, and decides nothing.',
      'verifier/preference.test.ts: come first: %s',
      'verifier/preference.test.ts: keep their order among each other, and so do all others',
      'verifier/candidates.test.ts: that only say so do not hide a good one that does not',
    ],
    [
      'signature-inconclusive',
      'Where none is good and one could not be judged, the verdict is inconclusive.',
      'are inconclusive while one of them cannot be fetched',
      'notation/verification/decision.test.ts: is inconclusive if any signature could not be judged, since it may be the good one',
    ],
  ]),
];
