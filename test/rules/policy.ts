// Trust policy documents: decoding, statements, levels.
import { type Rule, rules } from './rule.ts';

const DOCUMENT = 'notation/trustpolicy/document.test.ts';

export const POLICY_RULES: readonly Rule[] = [
  ...rules('trust-store-trust-policy.md "Trust Policy"', DOCUMENT, [
    [
      'policy-bom',
      'A document does not begin with a byte order mark.',
      'refuses a byte order mark',
    ],
    ['policy-duplicate-member', 'No member stands twice.', 'refuses a member twice'],
    [
      'policy-member-case',
      'Members are told by their exact names; one that a lenient reader would take for another is refused.',
      ...['refuses a member in other case', 'refuses a member that Go folds to a known one'],
    ],
    ['policy-trailing', 'Nothing comes after the document.', 'refuses bytes after the document'],
    ['policy-json', 'A document is one JSON object.', 'refuses no JSON', 'refuses an array'],
    [
      'policy-bounds',
      'Size, depth and counts of a document are bounded.',
      'refuses a document beyond the limit, and takes one at the limit',
      ...['refuses too many levels', 'refuses too many', 'refuses too many scopes'],
      ...['refuses too many trust stores', 'refuses too many identities'],
    ],
    [
      'policy-missing',
      'Without a readable regular file there is no policy, and nothing is allowed.',
      'verifier/policy-file.test.ts: names the file that is missing',
      'verifier/policy-file.test.ts: takes a directory, a dangling link and a loop of links for no file',
      'verifier/verifier.test.ts: that is not there or not usable denies: policy_missing',
    ],
    [
      'policy-all-faults',
      'All faults are reported together, with their places.',
      'reports all faults together, with their places',
      'notation/trustpolicy/check.test.ts: is its line and column, or those of what it is missing in',
      'commands/policy-check.test.ts: tells all faults of an invalid one',
    ],
    [
      'policy-unknown-member',
      'A member that is not known is warned of, not refused.',
      'notation/trustpolicy/check.test.ts: warns of an unknown member of the document',
      'notation/trustpolicy/check.test.ts: warns of an unknown member',
    ],
  ]),

  ...rules('trust-store-trust-policy.md "Trust Policy Properties"', DOCUMENT, [
    [
      'policy-version-empty',
      'The version must be given.',
      'refuses no version',
      'refuses an empty version',
    ],
    [
      'policy-version',
      'The version must be the string 1.0.',
      ...['refuses another version', 'refuses a version that is a number'],
    ],
    [
      'policy-statements',
      'There is at least one statement, in a list.',
      ...[
        'refuses no statements',
        'refuses zero statements',
        'refuses one statement without its list',
      ],
    ],
    [
      'statement-name',
      'A statement has a name that is not empty.',
      ...['refuses a missing name', 'refuses an empty name', 'refuses a name that is no string'],
    ],
    [
      'statement-name-unique',
      'No two statements have one name, told with case.',
      'refuses a name or a scope that two statements share',
      'keeps names and scopes apart that differ in case',
    ],
    [
      'statement-lists',
      'A statement that verifies has trust stores and trusted identities.',
      ...['refuses missing trust stores', 'refuses no trust store'],
      ...['refuses missing identities', 'refuses no identity'],
    ],
    [
      'statement-skip-lists',
      'A statement that skips has neither.',
      'refuses level skip with trust stores',
      'refuses level skip with trusted identities',
      'accepts level skip for named repositories, also with empty lists',
    ],
    [
      'statement-skip-global',
      'Level skip is not for the global scope; notation accepts it.',
      'refuses level skip with the global scope',
    ],
    [
      'store-reference',
      'A trust store is named TYPE:NAME, split at the first colon.',
      ...['refuses a trust store without type', 'refuses a trust store without name'],
      ...['refuses a second colon', 'accepts every type of trust store'],
    ],
    [
      'store-reference-type',
      'The type is ca, signingAuthority or tsa, told with case.',
      ...['refuses an unknown type of trust store', 'refuses a type in other case'],
    ],
    [
      'store-reference-name',
      'The name is one component of a path, of letters, digits, dot, hyphen and underscore.',
      ...['refuses a trust store of a path', 'refuses a name that no directory has'],
      ...['refuses a trust store named "."', 'refuses a trust store named ".."'],
    ],
    [
      'store-reference-tsa-only',
      'A statement with nothing but a store of type tsa is valid, and warned of.',
      'notation/trustpolicy/check.test.ts: warns of only a tsa store',
    ],
    ['store-reference-twice', 'A store named twice counts once.', 'names each trust store once'],
  ]),

  ...rules(
    'trust-store-trust-policy.md "Signature Verification details"',
    'notation/trustpolicy/level.test.ts',
    [
      [
        'level',
        'The level is strict, permissive, audit or skip.',
        ...['refuses a missing level', 'refuses an empty level', 'refuses an unknown level'],
        'refuses a level in other case',
      ],
      [
        'level-table',
        'Each level has its action for each validation.',
        'gives level strict its row of the table',
        'gives level permissive its row of the table',
        'gives level audit its row of the table',
        'gives level skip its row of the table',
      ],
      ['override-skip', 'Level skip cannot be overridden.', 'refuses an override of level skip'],
      [
        'override-type',
        'An override names one of the five validations.',
        ...['refuses an unknown validation type', 'refuses a type in other case'],
      ],
      [
        'override-action',
        'An override says enforce, log or skip.',
        ...['refuses an unknown action', 'refuses an action of null'],
      ],
      [
        'override-integrity',
        'Integrity cannot be overridden, not even with what it is.',
        ...['refuses integrity logged', 'refuses integrity overridden with what it is'],
      ],
      [
        'override-skip-revocation-only',
        'Nothing but revocation can be skipped.',
        ...['refuses authenticity skipped', 'refuses authenticTimestamp skipped'],
        'refuses expiry skipped',
      ],
      [
        'override-applies',
        'An override changes its validation alone.',
        'applies overrides to their validation types alone',
        'notation/verification/levels.test.ts: of one validation leave the others as the level has them',
      ],
      [
        'verify-timestamp',
        'verifyTimestamp is always, which is the default, or afterCertExpiry.',
        ...['reads verifyTimestamp when it is absent', 'refuses an unknown time'],
        'reads verifyTimestamp when it is afterCertExpiry',
      ],
      [
        'verify-timestamp-skip',
        'verifyTimestamp has to be one of them also where the level is skip.',
        'refuses a time at level skip',
      ],
    ],
  ),
];
