// Verification plugins: the attributes that ask for one, its file, its contract, and what it may decide.
import { type Rule, rules } from './rule.ts';

const ATTRIBUTES = 'notation/signature/attributes.test.ts';
const FILE = 'verifier/plugins/plugin-file.test.ts';
const SOURCE = 'verifier/plugins/plugin-source.test.ts';
const METADATA = 'notation/plugin/metadata.test.ts';
const VERIFICATION = 'notation/verification/plugin.test.ts';

export const PLUGIN_RULES: readonly Rule[] = [
  ...rules('signature-specification.md "Extended attributes for *Notation* Plugins"', ATTRIBUTES, [
    [
      'plugin-attribute',
      'The attribute that names a plugin is a critical text that is not blank.',
      'with a plugin that is not critical are refused as envelope_invalid',
      'with a blank plugin are refused as envelope_invalid',
      'with a plugin that is no string are refused as envelope_invalid',
    ],
    [
      'plugin-min-version',
      'The minimum version is critical, a semantic version, and beside a plugin.',
      'with a minimum version that is none are refused as envelope_invalid',
      'with a minimum version that is not critical are refused as envelope_invalid',
      'with a minimum version without a plugin are refused as envelope_invalid',
    ],
    [
      'plugin-unknown-attributes',
      'Beside a plugin unknown attributes are kept for it, critical or not.',
      'may hold unknown attributes beside a plugin, critical or not',
    ],
  ]),

  ...rules('plugin-extensibility.md "Plugin installation path"', FILE, [
    [
      'plugin-path',
      'A plugin NAME is the file NAME/notation-NAME below the folder of plugins.',
      'is below the folder of its name',
      'notation/plugin/plugin-name.test.ts: is one component of a path, whatever it is',
      'is not looked for by the name %j',
    ],
    [
      'plugin-regular',
      'It is a regular file that can be executed, and no link; notation follows links.',
      ...['must not be a link, nor be in one', 'must be a regular file in a directory'],
      'must be executable',
    ],
    [
      'plugin-owner',
      'Nobody else can replace it.',
      'must not belong to others, nor its folders',
      'must not be replaceable by others: mode %o on it or its folders',
    ],
    [
      'plugin-missing',
      'One that is not there is told with its name and the path that was looked at.',
      'is missing where it is not installed, which is told',
      'verifier/host-evidence.test.ts: from a plugin that is not installed is refused by the path where it was looked for',
    ],
  ]),

  ...rules('plugin-extensibility.md "Plugin contract"', SOURCE, [
    [
      'plugin-process',
      'It runs without a shell, and gets none of our secrets.',
      'gets none of our secrets',
      'verifier/plugins/environment.test.ts: holds what a program needs, and none of our secrets',
    ],
    [
      'plugin-deadline',
      'It is killed, and all that it started, when its time is over.',
      'hangs is killed when its time is over',
      'leaves a process behind takes it with it',
    ],
    [
      'plugin-output',
      'Its output is bounded, and one JSON object.',
      'may answer as much as the limit, and not a byte more',
      ...[
        'answers without end is refused',
        'answers no JSON is refused',
        'answers twice is refused',
      ],
    ],
    [
      'plugin-error',
      'An exit code other than zero is an error, told in the words of the plugin.',
      ...[
        'fails with an error is refused',
        'is told to the operator in its own words when it fails',
      ],
      'notation/plugin/error-response.test.ts: is told in a line of bounded length, whatever it is',
    ],
  ]),

  ...rules('plugin-extensibility.md "Plugin metadata"', METADATA, [
    [
      'plugin-metadata',
      'All metadata are there, and none is empty.',
      ...['must have %s', 'must not have an empty or other %s'],
    ],
    ['plugin-name', 'The name is that of the plugin.', 'must not have another name'],
    [
      'plugin-contract-version',
      'It speaks version 1.0 of the contract.',
      ...['must not have another contract alone', 'may have a later contract beside ours'],
    ],
    [
      'plugin-version',
      'Its version is a semantic one, and at least the minimum.',
      ...['must not have a version that is none', 'does not suit one that asks for version %s'],
      'that is a pre-release is older than its release',
    ],
    [
      'plugin-capability',
      'It has a capability to verify.',
      'suits with one capability to verify, and not without',
    ],
  ]),

  ...rules('plugin-extensibility.md "Verification workflow using plugin"', VERIFICATION, [
    [
      'plugin-after-trust',
      'A plugin is run only for a chain that is anchored; notation runs it before.',
      'is not run for a chain that no trust store anchors: %s',
      'is not run for a signature without integrity',
    ],
    [
      'plugin-fatal',
      'A plugin that is missing, unsuitable or fails denies, at every level.',
      'by %s when it is looked for denies at every level',
      'by %s when it is run denies at every level',
    ],
    [
      'plugin-identity',
      'It may replace the match with trusted identities, not the trust store.',
      ...['replaces the match with trusted identities', 'does not replace the trust store'],
    ],
    [
      'plugin-revocation',
      'It may replace OCSP and CRLs, but not for the authority of a timestamp.',
      'replaces OCSP and CRLs, which are not asked',
      'does not replace them for the authority of a timestamp',
    ],
    [
      'plugin-revocation-skip',
      'It is not asked for revocation where that is skipped.',
      'is not asked for it where the statement skips revocation',
    ],
    [
      'plugin-levels',
      'What it refuses is enforced or logged as the level says.',
      'refuses what the level enforces, and is logged where it logs',
    ],
  ]),

  ...rules(
    'plugin-extensibility.md "*verify-signature* command"',
    'notation/plugin/verify-request.test.ts',
    [
      [
        'plugin-request',
        'It is told the critical attributes, the chain, the identities and what to check.',
        'holds what the contract asks for and nothing else',
        'holds the authentic signing time of a signing authority',
        'holds extended attributes, and names the critical ones as unprocessed',
      ],
      [
        'plugin-same-as-notation',
        'It is told what notation tells it.',
        'verifier/plugins/contract.test.ts: is told the same, and both allow: %s',
        'verifier/plugins/contract.test.ts: leads both to the same decision: one %s',
      ],
      [
        'plugin-results',
        'It answers for each check that it was asked for, and for no other.',
        'notation/plugin/verify-result.test.ts: must not have a missing result',
        'notation/plugin/verify-result.test.ts: must not hold a result that was not asked for',
      ],
      [
        'plugin-processed',
        'It has processed every critical attribute.',
        'notation/plugin/judgement.test.ts: asks that every critical attribute was processed, and no other',
        'notation/verification/plugin.test.ts: that the plugin does not process denies at level %s',
      ],
    ],
  ),
];
