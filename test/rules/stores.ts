// Trust stores: where they are, what they may hold, and which of them counts for what.
import { type Rule, rules } from './rule.ts';

const LOAD = 'verifier/truststore/load.test.ts';
const FILE = 'verifier/truststore/trust-store.test.ts';

export const STORE_RULES: readonly Rule[] = [
  ...rules('trust-store-trust-policy.md "Trust Store"', LOAD, [
    [
      'store-place',
      'A store is the directory x509/TYPE/NAME below the root of all.',
      'loads PEM and DER from the stores that are named, and no others',
    ],
    [
      'store-missing',
      'A store that is named is there.',
      'refuses a root or a store that does not exist',
      'notation/verification/signature.test.ts: fails for the reason why a store of its type is not there, which a level may log',
    ],
    [
      'store-directory',
      'A store is a directory.',
      'refuses a store that is a file, and a link to nothing',
    ],
    [
      'store-subdirectories',
      'Directories in a store are ignored, with a warning; notation refuses them.',
      'ignores directories in a store with a warning',
    ],
    [
      'store-links',
      'Links are followed, as volumes of ConfigMaps and Secrets need it, but never out of the root.',
      'follows the links of a ConfigMap volume, without warnings about its own directories',
      ...['refuses a file by an absolute link', 'refuses a file by a relative link'],
      ...['refuses a directory in a store', 'refuses a store that is elsewhere'],
      'verifier/truststore/store-files.test.ts: reads nothing outside the root through a directory that becomes a link',
    ],
    [
      'store-one-moment',
      'All stores are read as of one moment, also while a volume is swapped.',
      'takes the new content after the volume has swapped its link',
      'verifier/truststore/store-files.test.ts: gives up on a volume that is swapped whenever it is read',
    ],
    [
      'store-bad-file',
      'One bad file fails its store.',
      'refuses all stores when one file of one is bad, and names it',
      'verifier/in-force.test.ts: lets one bad store take only its own statements down',
    ],
    ['store-empty', 'A store holds a certificate.', 'refuses a store without certificates'],
    ['store-names', 'No name leads out of the directory of its type.', 'refuses the name %j'],
    [
      'store-bounds',
      'Sizes and counts are bounded.',
      'refuses a file beyond the limit, and takes one at the limit',
      'refuses a store beyond its limit, and takes one at the limit',
      ...['refuses more certificates than the limit', 'refuses more files than the limit'],
      'refuses a pipe without waiting for its writer',
    ],
    [
      'store-once',
      'A store that is named twice is read once.',
      'loads a store once that is named twice',
    ],
  ]),

  ...rules('trust-store-trust-policy.md "Trust Store"', FILE, [
    [
      'store-file-forms',
      'A file is PEM with any number of certificates, or DER.',
      'reads every certificate of a PEM file and of DER in a row, in order',
      ...['refuses PEM without certificates', 'refuses DER with a byte too many', 'refuses text'],
    ],
    ['store-file-keys', 'A file holds certificates alone.', 'refuses a private key'],
    [
      'store-anchor',
      'A certificate is of a CA or self-signed: no leaf that a CA issued can be pinned.',
      ...[
        'accepts a root in DER',
        'accepts an intermediate in DER',
        'accepts a self-signed leaf in DER',
      ],
      'refuses a leaf that a CA issued',
      'refuses a leaf that names itself as issuer but is signed by another',
    ],
    [
      'store-tsa-root',
      'In a store of type tsa each certificate is a root, which may sign certificates.',
      'refuses an intermediate as time-stamping root',
      'refuses a self-signed leaf as time-stamping root',
      'refuses a root that may not sign certificates as time-stamping root',
      'refuses a CA that names itself as issuer but is signed by another as time-stamping root',
    ],
    [
      'store-sha1',
      'A self-signed certificate is not signed over SHA-1.',
      'refuses a self-signed leaf with a signature by SHA-1',
      'refuses a root with a signature by SHA-1 as time-stamping root',
    ],
    [
      'store-expiry',
      'Whether a certificate of a store has expired does not count here.',
      'accepts an expired CA in DER',
      'verifier/truststore/inspect.test.ts: tells of a root that expired',
    ],
  ]),

  ...rules('signing-scheme.md "Trust Stores"', 'notation/verification/signature.test.ts', [
    [
      'store-scheme',
      'notary.x509 is anchored in ca stores, notary.x509.signingAuthority in signingAuthority stores.',
      'has a trust store type for each signing scheme',
      'verifier/signatures.test.ts: signed under the scheme of signing authorities is trusted by their stores only',
    ],
    [
      'store-tsa',
      'Timestamps are anchored in tsa stores, and nowhere else.',
      'notation/verification/authentic-timestamp.test.ts: counts only by an authority of a trust store of type tsa',
    ],
  ]),
];
