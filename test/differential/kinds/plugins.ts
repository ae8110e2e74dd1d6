// Kinds about verification plugins: what a signature asks of one, and what it answers.
import type { EnvelopeOptions } from '../../support/sign-envelope.ts';
import {
  type PluginConduct,
  PLUGIN_NAME,
  type PluginOptions,
} from '../../support/verification-plugin.ts';
import { STRANGER } from '../generate/certificates.ts';
import { FORMATS, TRUSTS_CA, world } from '../generate/setup.ts';
import { each, type Given, kind, type Step, values } from '../kind.ts';

const PREFIX = 'io.cncf.notary.';
const SCHEME = `${PREFIX}signingScheme`;
const PLUGIN = `${PREFIX}verificationPlugin`;
const MIN_VERSION = `${PREFIX}verificationPluginMinVersion`;
const IDENTITY = 'SIGNATURE_VERIFIER.TRUSTED_IDENTITY';
const REVOCATION = 'SIGNATURE_VERIFIER.REVOCATION_CHECK';
const OTHERS = { trustedIdentities: ['x509.subject: C=DE, ST=BE, O=Other'] };

/** Metadata by which a plugin cannot be used. */
const BAD_METADATA = values<PluginConduct>({
  'another name': answer({ name: 'other' }),
  'no name': answer({ name: null }),
  'no version': answer({ version: null }),
  'no capabilities': answer({ capabilities: [] }),
  'capabilities of a signer': answer({ capabilities: ['SIGNATURE_GENERATOR.RAW'] }),
  'another contract': answer({ supportedContractVersions: ['2.0'] }),
  'no description': answer({ description: '' }),
  'no JSON': { kind: 'output', text: 'hello' },
  nothing: { kind: 'output', text: '' },
  failure: { kind: 'fail', exitCode: 1, stderr: '{"errorCode":"ERROR","errorMessage":"no"}' },
  'failure without JSON': { kind: 'fail', exitCode: 1, stderr: 'no' },
});

/** Answers to `verify-signature` that are no consent. */
const BAD_VERIFICATIONS = values<PluginConduct>({
  'no results': answer({ verificationResults: {} }),
  'identity refused': answer({
    verificationResults: {
      [IDENTITY]: { success: false, reason: 'no' },
      [REVOCATION]: { success: true },
    },
  }),
  'no JSON': { kind: 'output', text: 'hello' },
  failure: {
    kind: 'fail',
    exitCode: 1,
    stderr: '{"errorCode":"ACCESS_DENIED","errorMessage":"no"}',
  },
});

export const PLUGIN_KINDS = [
  kind({
    name: 'plugin that consents',
    parameters: {
      format: FORMATS,
      level: each('strict', 'audit'),
      version: { none: undefined, lower: '1.0.0', same: '1.2.3' },
    },
    build: ({ format, level, version }, given) =>
      asking(given, { format, level, version, plugins: [{}] }),
  }),
  kind({
    name: 'plugin that knows another identity than the policy',
    parameters: { format: FORMATS },
    build: ({ format }, given) => asking(given, { format, plugins: [{}], statement: OTHERS }),
  }),
  kind({
    name: 'plugin that is not installed',
    parameters: {
      format: FORMATS,
      level: each('strict', 'permissive', 'audit'),
      installed: each('none', 'another'),
    },
    build: ({ format, level, installed }, given) =>
      asking(given, {
        format,
        level,
        plugins: installed === 'none' ? [] : [{ name: 'com.example.other' }],
        fault: faultAt(level),
      }),
  }),
  kind({
    name: 'plugin that is too old',
    parameters: {
      format: FORMATS,
      level: each('strict', 'audit'),
      version: each('1.2.4', '2.0.0'),
    },
    build: ({ format, level, version }, given) =>
      asking(given, { format, level, version, plugins: [{}], fault: faultAt(level) }),
  }),
  kind({
    name: 'plugin that cannot be used',
    parameters: { level: each('strict', 'audit'), metadata: BAD_METADATA },
    build: ({ level, metadata }, given) =>
      asking(given, { level, plugins: [{ metadata }], fault: faultAt(level) }),
  }),
  kind({
    name: 'plugin that does not consent',
    parameters: { format: FORMATS, verify: BAD_VERIFICATIONS },
    build: ({ format, verify }, given) =>
      asking(given, { format, plugins: [{ verify }], fault: 'authenticity' }),
  }),
  kind({
    name: 'plugin that says that the certificate was revoked',
    parameters: { format: FORMATS, level: each('strict', 'permissive', 'audit') },
    build: ({ format, level }, given) => {
      const verificationResults = {
        [IDENTITY]: { success: true },
        [REVOCATION]: { success: false, reason: 'revoked' },
      };
      return asking(given, {
        format,
        level,
        plugins: [{ verify: answer({ verificationResults }) }],
        fault: 'revocation',
      });
    },
  }),
  kind({
    name: 'critical attribute that a plugin processed',
    parameters: { format: FORMATS },
    build: ({ format }, given) => {
      const verify = answer({ processedAttributes: ['com.example.attribute'] });
      return asking(given, { format, plugins: [{ verify }], attribute: true });
    },
  }),
  kind({
    name: 'critical attribute that a plugin did not process',
    parameters: { format: FORMATS, level: each('strict', 'audit') },
    build: ({ format, level }, given) => {
      const plugins = [{ verify: answer({ processedAttributes: [] }) }];
      return asking(given, { format, level, plugins, attribute: true, fault: faultAt(level) });
    },
  }),
  kind({
    name: 'plugin of a blank name',
    parameters: { format: FORMATS, name: each('', ' ') },
    build: ({ format, name }, given) =>
      asking(given, { format, name, plugins: [{}], fault: 'integrity' }),
  }),
  kind({
    name: 'plugin of a name that leads elsewhere',
    parameters: { format: FORMATS, name: each('../../bin/sh', 'a/b', '.', '..') },
    build: ({ format, name }, given) =>
      asking(given, { format, name, plugins: [{}], fault: 'authenticity' }),
  }),
  kind({
    name: 'plugin by a symbolic link',
    parameters: { format: FORMATS, level: each('strict', 'audit') },
    build: ({ format, level }, given) => {
      const metadata = answer({ name: PLUGIN_NAME });
      const setup = asking(given, {
        format,
        level,
        plugins: [{ name: 'real', metadata }],
        fault: faultAt(level),
      });
      // The folder of plugins is beside the trust stores.
      const path = `../../plugins/${PLUGIN_NAME}/notation-${PLUGIN_NAME}`;
      return { ...setup, stores: { ...setup.stores, [path]: { link: '../real/notation-real' } } };
    },
  }),
  kind({
    name: 'plugin that is not named critical',
    parameters: { format: FORMATS },
    build: ({ format }, given) =>
      asking(given, { format, plugins: [{}], crit: [SCHEME], fault: 'integrity' }),
  }),
  kind({
    name: 'minimum version without a plugin, or no version',
    parameters: { format: FORMATS, version: each('1', 'v1.0.0', 'new', '') },
    build: ({ format, version }, given) =>
      asking(given, { format, version, plugins: [{}], fault: 'integrity' }),
  }),
  kind({
    name: 'untrusted chain that asks for a plugin',
    parameters: { format: FORMATS, level: each('strict', 'permissive') },
    build: ({ format, level }, given) =>
      asking(given, {
        format,
        level,
        plugins: [{}],
        signer: STRANGER.issue(),
        fault: 'authenticity',
      }),
  }),
  kind({
    name: 'untrusted chain that asks for a plugin, where trust is only logged',
    parameters: { format: FORMATS },
    build: ({ format }, given) =>
      asking(given, {
        format,
        level: 'audit',
        plugins: [{}],
        signer: STRANGER.issue(),
        fault: 'integrity',
      }),
  }),
];

/** A plugin is asked with authenticity; what it does not do denies also where that is only logged. */
function faultAt(level: string): Step {
  return level === 'audit' ? 'integrity' : 'authenticity';
}

interface Asking extends Pick<Partial<EnvelopeOptions>, 'signer' | 'crit' | 'format'> {
  readonly plugins: readonly PluginOptions[];
  readonly level?: string;
  /** Of the plugin that is asked for. */
  readonly name?: string;
  readonly version?: string | undefined;
  /** Whether there is a critical attribute of the plugin's own. */
  readonly attribute?: boolean;
  readonly statement?: Readonly<Record<string, unknown>>;
  readonly fault?: Step;
}

/** A world whose signature asks for a plugin. */
function asking(given: Given, options: Asking) {
  const {
    name = PLUGIN_NAME,
    version,
    attribute = false,
    level = 'strict',
    format = 'jws',
  } = options;
  const attributes = new Map([
    [PLUGIN, name],
    ...(version === undefined ? [] : [[MIN_VERSION, version] as const]),
    ...(attribute ? [['com.example.attribute', 'value'] as const] : []),
  ]);
  const {
    signer,
    crit = [SCHEME, ...attributes.keys()],
    plugins,
    fault = 'nothing',
    statement = {},
  } = options;
  return world(given, {
    level,
    fault,
    plugins,
    statement,
    signature: { format, crit, attributes, ...(signer === undefined ? {} : { signer }) },
    stores: TRUSTS_CA,
  });
}

function answer(members: Readonly<Record<string, unknown>>): PluginConduct {
  return { kind: 'answer', members };
}
