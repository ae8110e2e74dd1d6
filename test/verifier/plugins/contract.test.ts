// The contract held against notation: one plugin, asked by the real `notation verify` and by us about the same signature.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Decision } from '../../../agent/notation/verification/verdict.ts';
import { createHostVerifier } from '../../../agent/verifier/host-verifier.ts';
import { createPooledTransport } from '../../../agent/verifier/registry/pooled-transport.ts';
import { askNotation, findNotation } from '../../differential/notation.ts';
import { createCa } from '../../support/ca.ts';
import type { TestCertificate } from '../../support/certificate.ts';
import { startTestRegistry, type TestRegistry } from '../../support/registry.ts';
import { type EnvelopeOptions, MEDIA_TYPES, signEnvelope } from '../../support/sign-envelope.ts';
import { documentOf, statement, type StatementJson } from '../../support/trust-policy.ts';
import {
  installPlugin,
  PLUGIN_NAME,
  type PluginConduct,
  type PluginOptions,
} from '../../support/verification-plugin.ts';
import {
  pluginAttributes,
  REVOCATION_CHECK,
  TRUSTED_IDENTITY,
} from '../../notation/plugin/fixture.ts';
import { pluginsDirectory } from './fixture.ts';

const PREFIX = 'io.cncf.notary.';
const SCHEME = `${PREFIX}signingScheme`;
const PLUGIN = `${PREFIX}verificationPlugin`;
const MIN_VERSION = `${PREFIX}verificationPluginMinVersion`;
const EXPIRY = `${PREFIX}expiry`;
const AUTHENTIC_SIGNING_TIME = `${PREFIX}authenticSigningTime`;

interface Changes {
  readonly signature?: Partial<EnvelopeOptions>;
  readonly statement?: StatementJson;
  readonly plugin?: PluginOptions;
  /** What the trust stores hold. Default: the root of the signer. */
  readonly root?: TestCertificate;
}

const ca = createCa();
const signer = ca.issue();
const notation = findNotation();
const why = 'missing' in notation ? notation.missing : '';
const title = `a plugin, asked by notation and by us${why === '' ? '' : ` (skipped: ${why})`}`;

describe.skipIf(why !== '' && process.env.CI !== 'true')(title, () => {
  const directory = pluginsDirectory();
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startTestRegistry();
  });
  afterAll(() => registry.close());

  const ask = async ({
    signature,
    statement: changes,
    plugin: options,
    root = ca.root,
  }: Changes) => {
    if ('missing' in notation) throw new Error(notation.missing);
    const { format = 'jws' } = signature ?? {};
    const image = registry.pushImage('app', 'v1', directory());
    const scope = `${registry.host}/app`;
    const whole = { format, signer, target: image, ...pluginAttributes(), ...signature };
    registry.attachSignature('app', image, signEnvelope(whole), MEDIA_TYPES[format]);
    const place = join(directory(), 'notation');
    for (const type of ['ca', 'signingAuthority']) {
      mkdirSync(join(place, 'truststore/x509', type, 'acme'), { recursive: true });
      writeFileSync(join(place, 'truststore/x509', type, 'acme/root.pem'), root.pem);
    }
    const policy = statement({
      registryScopes: [scope],
      trustStores: ['ca:acme', 'signingAuthority:acme'],
      trustedIdentities: ['com.example: someone'],
      ...changes,
    });
    writeFileSync(join(place, 'trustpolicy.json'), documentOf([policy]), { mode: 0o600 });
    const pluginDir = join(place, 'plugins');
    const plugin = installPlugin(pluginDir, options);
    const reference = `${scope}@${image.digest}`;

    const { decision: theirs } = await askNotation(notation.command, directory(), reference);
    const asked = plugin.calls().map(({ request }) => request);
    const verifier = createHostVerifier({
      ...{ pluginDir, truststoreDir: join(place, 'truststore') },
      policyFile: join(place, 'trustpolicy.json'),
      registry: { createTransport: createPooledTransport, plainHttp: [] },
    });
    const { decision: ours } = await verifier.verify(
      { name: reference },
      AbortSignal.timeout(30_000),
    );
    await verifier.close();
    const requests = plugin.calls().map(({ request }) => request);
    return { decisions: [theirs, ours], asked, requests: requests.slice(asked.length) };
  };

  const critical = pluginAttributes({ 'com.example.job': 'x', 'com.example.number': 7 });

  it.each<[string, Changes]>([
    ['JWS', {}],
    ['COSE', { signature: { format: 'cose' } }],
    ['critical attributes in JWS', { signature: critical }],
    ['critical attributes in COSE', { signature: { format: 'cose', ...critical } }],
    [
      'an expiry',
      { signature: { expiry: new Date('2040-01-02T03:04:05Z'), crit: [SCHEME, EXPIRY, PLUGIN] } },
    ],
    [
      'a signing authority',
      {
        signature: {
          scheme: 'notary.x509.signingAuthority',
          crit: [SCHEME, AUTHENTIC_SIGNING_TIME, PLUGIN],
        },
      },
    ],
    [
      'revocation skipped',
      {
        statement: { signatureVerification: { level: 'strict', override: { revocation: 'skip' } } },
      },
    ],
    ['one capability', { plugin: { metadata: answer({ capabilities: [TRUSTED_IDENTITY] }) } }],
    ['a minimum version', { signature: minimum('1.2.3-rc.1') }],
  ])('is told the same, and both allow: %s', async (_, changes) => {
    const { decisions, asked, requests } = await ask(changes);
    expect(decisions).toEqual(['allow', 'allow']);
    expect(requests).toHaveLength(2);
    expect(asked.map(toOurs)).toEqual(requests.map(toOurs));
  });

  it.each<[string, Changes, Decision?]>([
    ['against the identity', { plugin: { verify: against(TRUSTED_IDENTITY) } }],
    ['against the revocation', { plugin: { verify: against(REVOCATION_CHECK) } }],
    [
      'against both, where that is logged',
      {
        plugin: { verify: against(TRUSTED_IDENTITY, REVOCATION_CHECK) },
        statement: { signatureVerification: { level: 'audit' } },
      },
      'allow',
    ],
    [
      'that leaves out a result, also where that would be logged',
      {
        plugin: {
          verify: answer({ verificationResults: { [TRUSTED_IDENTITY]: { success: true } } }),
        },
        statement: { signatureVerification: { level: 'audit' } },
      },
    ],
    [
      'that does not process what is critical',
      { signature: critical, plugin: { verify: answer({ processedAttributes: [] }) } },
    ],
    ['that is too old', { signature: minimum('1.2.4') }],
    ['of which no version is asked for', { signature: minimum('1.2') }],
    ['that is another', { plugin: { metadata: answer({ name: 'com.example.other' }) } }],
    ['that is not there', { plugin: { name: 'com.example.other' } }],
    [
      'of another contract',
      { plugin: { metadata: answer({ supportedContractVersions: ['2.0'] }) } },
    ],
    [
      'for signing',
      { plugin: { metadata: answer({ capabilities: ['SIGNATURE_GENERATOR.RAW'] }) } },
    ],
    ['that fails', { plugin: { verify: { kind: 'fail', exitCode: 1, stderr: '{}' } } }],
    ['that answers no JSON', { plugin: { verify: { kind: 'output', text: 'hello' } } }],
  ])('leads both to the same decision: one %s', async (_, changes, decision = 'deny') => {
    expect((await ask(changes)).decisions).toEqual([decision, decision]);
  });

  it.each<[string, Changes]>([
    // "Notation only supports JSON primitive types for critical extended attributes."
    ['a critical attribute that is no primitive', { signature: pluginAttributes({ job: ['x'] }) }],
    // "Validate response.verificationResults map keys match", or fail.
    [
      'a result that was not asked for',
      {
        plugin: { verify: against() },
        statement: {
          signatureVerification: { level: 'strict', override: { revocation: 'skip' } },
        },
      },
    ],
    // Which of the two counts is another matter for each reader.
    ['an answer that says something twice', { plugin: { verify: twice() } }],
  ])('is refused by us alone, as the specification has it: %s', async (_, changes) => {
    expect((await ask(changes)).decisions).toEqual(['allow', 'deny']);
  });

  // At this level an untrusted chain is only logged. Anybody who can push has one.
  it('is not run for a chain that is not trusted, but by notation', async () => {
    const { decisions, asked, requests } = await ask({
      statement: { signatureVerification: { level: 'audit' } },
      root: createCa({ name: 'Other' }).root,
    });
    expect(asked).toHaveLength(2);
    expect(requests).toEqual([]);
    expect(decisions).toEqual(['allow', 'deny']);
  });

  it('has to process what is critical, and for notation also what is not', async () => {
    const signature = pluginAttributes({ 'com.example.job': 'x', 'com.example.note': 7 }, [
      'com.example.job',
    ]);
    const { decisions } = await ask({
      signature,
      plugin: { verify: answer({ processedAttributes: ['com.example.job'] }) },
    });
    expect(decisions).toEqual(['deny', 'allow']);
  });
});

interface Request {
  readonly signature?: {
    readonly criticalAttributes: Readonly<Record<string, unknown>>;
    readonly unprocessedAttributes: readonly string[] | null;
  };
}

/** notation writes the zero of its times and lists for absent ones, and attributes in no order. */
function toOurs(request: unknown): unknown {
  const { signature, ...others } = request as Request;
  if (signature === undefined) return others;
  const { expiry, ...attributes } = signature.criticalAttributes;
  return {
    ...others,
    signature: {
      ...signature,
      criticalAttributes:
        expiry === '0001-01-01T00:00:00Z' ? attributes : { expiry, ...attributes },
      unprocessedAttributes: [...(signature.unprocessedAttributes ?? [])].sort(),
    },
  };
}

function minimum(version: string): Partial<EnvelopeOptions> {
  return {
    attributes: new Map([
      [PLUGIN, PLUGIN_NAME],
      [MIN_VERSION, version],
    ]),
    crit: [SCHEME, PLUGIN, MIN_VERSION],
  };
}

function answer(members: Readonly<Record<string, unknown>>): PluginConduct {
  return { kind: 'answer', members };
}

function against(...refused: readonly string[]): PluginConduct {
  const results = [TRUSTED_IDENTITY, REVOCATION_CHECK].map((capability) => {
    return [capability, { success: !refused.includes(capability), reason: 'because' }];
  });
  return answer({ verificationResults: Object.fromEntries(results) as object });
}

function twice(): PluginConduct {
  const results = `"${TRUSTED_IDENTITY}":{"success":true},"${REVOCATION_CHECK}":{"success":false,"success":true}`;
  return { kind: 'output', text: `{"verificationResults":{${results}}}` };
}
