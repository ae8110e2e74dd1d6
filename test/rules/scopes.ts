// Registry scopes, selection of a statement, trusted identities and distinguished names.
import { type Rule, rules } from './rule.ts';

const DOCUMENT = 'notation/trustpolicy/document.test.ts';
const NAME = 'notation/trustpolicy/distinguished-name.test.ts';

export const SCOPE_RULES: readonly Rule[] = [
  ...rules('trust-store-trust-policy.md "OCI Trust Policy Constraints"', DOCUMENT, [
    [
      'scope-some',
      'A statement has at least one scope.',
      ...['refuses missing scopes', 'refuses no scope'],
    ],
    [
      'scope-global-alone',
      'The global scope stands alone.',
      ...['refuses "*" with another scope', 'accepts the global scope'],
    ],
    [
      'scope-form',
      'A scope is a whole repository, without scheme, tag or digest.',
      ...['refuses a scope with a scheme', 'refuses a scope with a tag'],
      ...['refuses a scope without repository', 'refuses a scope with upper case'],
      'refuses an empty scope',
      'notation/trustpolicy/scope.test.ts: accepts the scopes that the specification accepts, and no others',
    ],
    ['scope-wildcard', 'A scope has no wildcard in it.', 'refuses a wildcard in a scope'],
    [
      'scope-unique',
      'A scope stands once in the whole document.',
      'refuses a scope twice in one statement',
      'refuses a name or a scope that two statements share',
      'refuses the global scope in two statements',
      'notation/trustpolicy/scope.test.ts: notes every double but the first, whichever statement it stands in',
    ],
    [
      'scope-time',
      'A scope is judged in time that grows with its length.',
      'notation/trustpolicy/scope.test.ts: answers quickly for scopes made to make an expression backtrack',
    ],
  ]),

  ...rules(
    'trust-store-trust-policy.md "Selecting a trust policy to verify a signed OCI artifact"',
    'notation/trustpolicy/selection.test.ts',
    [
      [
        'select-exact',
        'The statement with exactly this repository applies, told with case and port.',
        'selects for %s the statement %s',
      ],
      [
        'select-global',
        'Failing that, the one with the global scope.',
        'selects for example.io/c the statement global',
      ],
      [
        'select-none',
        'Failing that, none, and the image is refused before any registry is asked.',
        'refuses a repository that no statement covers',
        'verifier/verifier.test.ts: that does not cover the repository denies, and no registry is asked',
      ],
      [
        'select-skip',
        'A statement that skips allows without a request to the registry.',
        'verifier/verifier.test.ts: of level skip allows without a request to the registry or a look at trust',
      ],
    ],
  ),

  ...rules('trust-store-trust-policy.md "Trusted Identities Constraints"', DOCUMENT, [
    [
      'identity-wildcard-alone',
      'The identity "*" stands alone.',
      ...['refuses "*" with another', 'refuses "*" twice', 'accepts any identity'],
    ],
    ['identity-empty', 'No identity is empty.', 'refuses an empty identity'],
    [
      'identity-separator',
      'An identity is PREFIX:VALUE.',
      ...['refuses an identity without ":"', 'refuses an identity without prefix'],
    ],
    [
      'identity-other-prefix',
      'A prefix that is not known is for a plugin: accepted, and it matches nobody.',
      'accepts an identity for a plugin',
      'notation/trustpolicy/identity.test.ts: admits nobody for an identity that a plugin would have to judge',
    ],
    [
      'identity-value',
      'x509.subject has a well-formed name after it.',
      ...['refuses no value', 'refuses a malformed name'],
    ],
    [
      'identity-overlap',
      'No name covers another one of its statement.',
      'refuses identities of which one covers the other',
      'refuses identities of which the other covers one',
      'refuses the same identity twice',
    ],
    [
      'identity-any-of',
      'One identity that matches is enough, and no two are joined.',
      'notation/trustpolicy/identity.test.ts: admits a subject that one of several names matches',
      'notation/trustpolicy/identity.test.ts: does not join attributes of two names',
    ],
    [
      'identity-wildcard',
      'The identity "*" matches every subject.',
      'notation/trustpolicy/identity.test.ts: admits every subject for "*"',
    ],
    [
      'identity-none',
      'No identity that could match, no match.',
      'notation/trustpolicy/identity.test.ts: admits nobody for no identity',
    ],
  ]),

  ...rules('RFC 4514 "String Representation of Distinguished Names"', NAME, [
    [
      'dn-hexadecimal',
      'There is no "=#" anywhere: no value is decoded as BER.',
      ...['refuses a hexadecimal value', 'refuses "=#" inside a value'],
      'refuses a hexadecimal value after a space',
    ],
    ['dn-multi-valued', 'No attribute is multi-valued.', 'refuses a multi-valued attribute'],
    [
      'dn-duplicate',
      'No type stands twice, S and ST being one, also where the first is empty.',
      ...['refuses a type twice', 'refuses S and ST', 'reads S for ST'],
      'refuses a type twice, the first one empty',
    ],
    [
      'dn-mandatory',
      'C, ST and O may be missing, which is warned of; notation refuses such a policy.',
      'reads a name without C, ST and O',
      'notation/trustpolicy/check.test.ts: warns of a name without C, ST and O',
    ],
    [
      'dn-some-value',
      'Some attribute has a value: else the name would match everybody.',
      'refuses only empty values, which would match every subject',
    ],
    [
      'dn-separators',
      'Comma and semicolon separate attributes.',
      'reads commas',
      'reads semicolons',
    ],
    [
      'dn-spaces',
      'Spaces around type and value do not count, unless they are escaped.',
      ...['reads spaces around type and value', 'reads escaped spaces at the ends'],
    ],
    [
      'dn-escapes',
      'A backslash stands before a special character or two hexadecimal digits of UTF-8.',
      ...['reads escaped special characters', 'reads hex pairs as UTF-8'],
      ...['refuses an escaped letter that is no hex pair', 'refuses half a hex pair'],
      ...['refuses a trailing backslash', 'refuses hex pairs that are not UTF-8'],
    ],
    ['dn-quotes', 'Double quotes are literal.', 'reads literal double quotes'],
    [
      'dn-own-type',
      'Any type is allowed.',
      'reads a type of its own',
      'reads a type as an object identifier',
    ],
    [
      'dn-case',
      'Types and values are compared byte for byte.',
      ...[
        'does not match a name with a value in other case',
        'does not match a name with a type in other case',
      ],
    ],
    [
      'dn-subset',
      'A name matches a subject that has all of its attributes, and may have more.',
      ...['matches a name that is a part of it', 'matches a name that is another order'],
      'does not match a name with one attribute more than the subject',
    ],
    [
      'dn-empty-value',
      'An empty value asks that the subject has none of that type.',
      'matches a name that is an empty value where the subject has none',
      'does not match a name with an empty value where the subject has one',
    ],
    [
      'dn-subject-superset',
      'Subjects may have types of any number and several values of one; notation refuses them.',
      'matches a name that is one of two values of a type',
      'notation/x509/name.test.ts: calls attributes without a name by their object identifier',
    ],
    ['dn-length', 'A name is bounded in length.', 'refuses a name beyond the limit'],
  ]),
];
