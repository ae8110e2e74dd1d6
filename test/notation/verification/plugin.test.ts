// Signatures that leave a part of their verification to a plugin: when it is run, what it replaces, what it may not.
import { describe, expect, it } from 'vitest';
import { AgentError, type ErrorCode } from '../../../agent/errors.ts';
import type { PluginCapability } from '../../../agent/notation/plugin/capability.ts';
import type { PluginFinding } from '../../../agent/notation/plugin/verify-result.ts';
import { allowFor, denyAll, isGood } from '../../../agent/notation/verification/decision.ts';
import type { Plugin } from '../../../agent/notation/verification/evidence.ts';
import {
  type SignatureContext,
  verifySignature,
} from '../../../agent/notation/verification/signature.ts';
import type { EnvelopeOptions } from '../../support/sign-envelope.ts';
import { createTsa } from '../../support/tsa.ts';
import { PLUGIN_NAME } from '../../support/verification-plugin.ts';
import { BOTH, pluginAttributes, REVOCATION_CHECK, TRUSTED_IDENTITY } from '../plugin/fixture.ts';
import {
  type Asked,
  ca,
  contextOf,
  evidenceOf,
  type EvidenceOptions,
  otherCa,
  outcomesOf,
  PAST,
  signatureOf,
  statementOf,
  trustIn,
} from './fixture.ts';

const NEEDS_PLUGIN = pluginAttributes();
const STRANGER = { signer: otherCa.issue(), ...NEEDS_PLUGIN };
const WATCHED = { signer: ca.issue({ ocspUrl: 'http://ocsp.example' }), ...NEEDS_PLUGIN };
const PINNED = { trustedIdentities: ['x509.subject: C=US,ST=WA,O=Somebody Else'] };
const PASS: PluginFinding = { success: true, reason: 'it is fine' };
const REFUSE: PluginFinding = { success: false, reason: 'it is not' };

interface PluginOptions {
  readonly capabilities?: readonly PluginCapability[];
  /** What is found against the signature. */
  readonly refused?: PluginCapability;
  readonly processed?: readonly string[];
}

/** A plugin that finds nothing against a signature and processes no attribute, unless told. */
function pluginOf({ capabilities = BOTH, refused, processed = [] }: PluginOptions = {}): Plugin {
  return {
    capabilities: new Set(capabilities),
    verify: (request) =>
      Promise.resolve({
        findings: new Map(
          request.capabilities.map((capability) => [
            capability,
            capability === refused ? REFUSE : PASS,
          ]),
        ),
        processedAttributes: new Set(processed),
      }),
  };
}

function statementAt(level: string, changes: object = {}): SignatureContext['statement'] {
  return statementOf({ signatureVerification: { level }, ...changes });
}

/** What a signature that needs the plugin comes to, and who was asked for it. */
async function verified(
  evidenceOptions: EvidenceOptions,
  changes: Partial<SignatureContext> = {},
  options: Partial<EnvelopeOptions> = NEEDS_PLUGIN,
) {
  const evidence = evidenceOf(evidenceOptions);
  const [signature, context] = [signatureOf(options), contextOf(changes)];
  const evaluation = await verifySignature(signature, context, evidence);
  const outcomes = await outcomesOf(signature, context, evidenceOf(evidenceOptions));
  const decided = isGood(evaluation) ? allowFor(evaluation) : denyAll([evaluation]);
  const { decision, reason } = decided;
  return { ...evaluation, outcomes, decided: `${decision} ${reason}`, asked: evidence.asked };
}

const kindsOf = (asked: readonly Asked[]) => asked.map(({ kind }) => kind);

describe('the plugin that a signature names', () => {
  it('is looked for by name and minimum version, and asked what it can verify', async () => {
    const minVersion = pluginAttributes({
      'io.cncf.notary.verificationPluginMinVersion': '1.2.0',
    });
    const { decided, asked } = await verified({ plugin: pluginOf() }, {}, minVersion);
    expect(decided).toBe('allow verified');
    expect(asked).toMatchObject([
      { kind: 'plugin', name: PLUGIN_NAME, minVersion: '1.2.0' },
      { kind: 'verify', request: { capabilities: BOTH, trustedIdentities: [{ kind: 'any' }] } },
    ]);
  });

  it('is told in the results what it found', async () => {
    const { results } = await verified({ plugin: pluginOf() });
    expect(results[1]?.message).toMatch(
      /^chain trusted by ca:acme; verification plugin .+it is fine/,
    );
    expect(results[4]?.message).toMatch(/^verification plugin .+it is fine/);
  });

  it('is not looked for by a signature that names none', async () => {
    expect((await verified({ plugin: pluginOf() }, {}, {})).asked).toEqual([]);
  });

  it.each(['strict', 'permissive', 'audit'])(
    'is not run for a chain that no trust store anchors: %s',
    async (level) => {
      const evidence = { plugin: pluginOf() };
      const statement = statementAt(level);
      const { outcomes, decided, asked } = await verified(evidence, { statement }, STRANGER);
      expect(asked).toEqual([]);
      expect(decided).toBe('deny certificate_untrusted');
      const isLogged = level === 'audit';
      expect(outcomes).toMatchObject({
        integrity: isLogged ? 'failed certificate_untrusted' : 'passed',
        authenticity: 'failed certificate_untrusted',
      });
      const trust = trustIn({ 'ca:acme': otherCa.root });
      const trusted = await verified(evidence, { statement, trust }, STRANGER);
      expect(trusted.decided).toBe('allow verified');
      expect(kindsOf(trusted.asked)).toEqual(['plugin', 'verify']);
    },
  );

  it('is not run for a signature without integrity', async () => {
    const statement = statementAt('audit');
    const target = { mediaType: 'text/plain', digest: `sha256:${'0'.repeat(64)}`, size: 1 };
    const options = { ...NEEDS_PLUGIN, target };
    const { decided, asked } = await verified({ plugin: pluginOf() }, { statement }, options);
    expect(decided).toBe('deny descriptor_mismatch');
    expect(asked).toEqual([]);
  });
});

describe('a plugin that verifies identities', () => {
  const identity = pluginOf({ capabilities: [TRUSTED_IDENTITY] });

  it('replaces the match with trusted identities', async () => {
    const statement = statementAt('strict', PINNED);
    const without = await verified({}, { statement }, {});
    expect(without.decided).toBe('deny identity_untrusted');
    const { decided, asked } = await verified({ plugin: identity }, { statement });
    expect(decided).toBe('allow verified');
    expect(asked[1]).toMatchObject({
      request: { trustedIdentities: [{ text: PINNED.trustedIdentities[0] }] },
    });
    const other = pluginOf({ capabilities: [REVOCATION_CHECK] });
    expect((await verified({ plugin: other }, { statement })).decided).toBe(
      'deny identity_untrusted',
    );
  });

  it('does not replace the trust store', async () => {
    const { decided } = await verified({ plugin: identity }, {}, STRANGER);
    expect(decided).toBe('deny certificate_untrusted');
  });

  it('leaves revocation to the verifier', async () => {
    const of = (status: 'good' | 'revoked') =>
      verified(
        {
          plugin: identity,
          status: () =>
            status === 'good'
              ? { kind: 'good', source: 'ocsp' }
              : { kind: 'revoked', at: PAST, source: 'ocsp' },
        },
        {},
        WATCHED,
      );
    const good = await of('good');
    expect(good.decided).toBe('allow verified');
    expect(kindsOf(good.asked)).toEqual(['plugin', 'verify', 'revocation']);
    expect((await of('revoked')).decided).toBe('deny certificate_revoked');
  });

  it('refuses what the level enforces, and is logged where it logs', async () => {
    const plugin = pluginOf({ refused: TRUSTED_IDENTITY });
    const strict = await verified({ plugin });
    expect(strict.decided).toBe('deny plugin_refused');
    expect(strict.outcomes).toMatchObject({
      integrity: 'passed',
      authenticity: 'failed plugin_refused',
    });
    const audit = await verified({ plugin }, { statement: statementAt('audit') });
    expect(audit.decided).toBe('allow failure_logged');
    expect(audit.outcomes).toMatchObject({
      integrity: 'passed',
      authenticity: 'failed plugin_refused',
      revocation: 'passed',
    });
  });
});

describe('a plugin that checks revocation', () => {
  const revocation = pluginOf({ capabilities: [REVOCATION_CHECK] });
  const status = () => ({ kind: 'revoked', at: PAST, source: 'ocsp' }) as const;

  it('replaces OCSP and CRLs, which are not asked', async () => {
    const { decided, asked } = await verified({ plugin: revocation, status }, {}, WATCHED);
    expect(decided).toBe('allow verified');
    expect(kindsOf(asked)).toEqual(['plugin', 'verify']);
    const without = await verified({ status }, {}, { signer: WATCHED.signer });
    expect(without.decided).toBe('deny certificate_revoked');
  });

  it('does not replace them for the authority of a timestamp', async () => {
    const tsa = createTsa({ name: 'Watched TSA', signer: { ocspUrl: 'http://ocsp.example' } });
    const changes = {
      statement: statementAt('strict', { trustStores: ['ca:acme', 'tsa:time'] }),
      trust: trustIn({ 'ca:acme': ca.root, 'tsa:time': tsa.root }),
    };
    const timestampToken = (signature: Uint8Array) => tsa.stamp(signature);
    const options = { ...NEEDS_PLUGIN, timestampToken };
    const { outcomes } = await verified({ plugin: revocation, status }, changes, options);
    expect(outcomes['authenticTimestamp']).toBe('failed certificate_revoked');
    const good = await verified({ plugin: revocation }, changes, options);
    expect(good.decided).toBe('allow verified');
  });

  it('refuses what the level enforces, and is logged where it logs', async () => {
    const plugin = pluginOf({ refused: REVOCATION_CHECK });
    const strict = await verified({ plugin });
    expect(strict.decided).toBe('deny plugin_refused');
    expect(strict.outcomes).toMatchObject({
      authenticity: 'passed',
      revocation: 'failed plugin_refused',
    });
    const permissive = await verified({ plugin }, { statement: statementAt('permissive') });
    expect(permissive.decided).toBe('allow failure_logged');
  });

  it('is not asked for it where the statement skips revocation', async () => {
    const statement = statementAt('strict', {
      signatureVerification: { level: 'strict', override: { revocation: 'skip' } },
    });
    const alone = await verified({ plugin: revocation }, { statement });
    expect(alone.decided).toBe('allow verified');
    expect(kindsOf(alone.asked)).toEqual(['plugin']);
    const both = await verified({ plugin: pluginOf() }, { statement });
    expect(both.decided).toBe('allow verified');
    expect(both.asked[1]).toMatchObject({ request: { capabilities: [TRUSTED_IDENTITY] } });
    const critical = pluginAttributes({ 'com.example.job': 'a' });
    const plugin = pluginOf({
      capabilities: [REVOCATION_CHECK],
      processed: ['com.example.job'],
    });
    expect((await verified({ plugin }, { statement }, critical)).decided).toBe(
      'deny attribute_unsupported',
    );
    expect((await verified({ plugin }, {}, critical)).decided).toBe('allow verified');
  });
});

describe('a plugin that does not do its part', () => {
  const LEVELS = ['strict', 'permissive', 'audit'] as const;
  const CODES = [
    'plugin_missing',
    'plugin_unsupported',
    'plugin_invalid',
    'plugin_failed',
    'plugin_timeout',
  ] as const;

  async function expectDenied(plugin: Plugin | AgentError, code: ErrorCode, outcome: string) {
    for (const level of LEVELS) {
      const statement = statementAt(level);
      const { outcomes, decided } = await verified({ plugin }, { statement });
      expect(decided).toBe(`deny ${code}`);
      expect(outcomes).toMatchObject({
        integrity: level === 'audit' ? `${outcome} ${code}` : 'passed',
        authenticity: `${outcome} ${code}`,
      });
      expect((await verified({ plugin: pluginOf() }, { statement })).decided).toBe(
        'allow verified',
      );
    }
  }

  it.each(CODES)('by %s when it is looked for denies at every level', async (code) => {
    await expectDenied(new AgentError(code, 'because'), code, 'inconclusive');
  });

  it.each(CODES)('by %s when it is run denies at every level', async (code) => {
    const verify = () => Promise.reject(new AgentError(code, 'because'));
    await expectDenied({ ...pluginOf(), verify }, code, 'inconclusive');
  });

  it('because time ran out denies at every level', async () => {
    const error = new AgentError('deadline_exceeded', 'no time left');
    await expectDenied(error, 'deadline_exceeded', 'inconclusive');
  });

  it('denies behind failures that are only logged, which do not hide it', async () => {
    const options = { ...pluginAttributes({}, ['io.cncf.notary.expiry']), expiry: PAST };
    const statement = statementAt('audit');
    const { decided, results } = await verified({}, { statement }, options);
    expect(decided).toBe('deny plugin_missing');
    expect(results.map(({ type, outcome }) => `${type} ${outcome}`)).toEqual([
      'integrity inconclusive',
      'authenticity inconclusive',
      'expiry failed',
      'authenticTimestamp passed',
      'revocation inconclusive',
    ]);
  });

  it('is asked for no other judgement, nor is anybody in its place', async () => {
    const statement = statementAt('audit');
    const { asked } = await verified({}, { statement }, WATCHED);
    expect(kindsOf(asked)).toEqual(['plugin']);
  });

  it('by a fault of ours is no result', async () => {
    const verify = () => Promise.reject(new TypeError('a fault'));
    const fault = verified(
      { plugin: { ...pluginOf(), verify } },
      { statement: statementAt('audit') },
    );
    await expect(fault).rejects.toThrow('a fault');
  });
});

describe.each(['jws', 'cose'] as const)('a critical attribute in %s', (format) => {
  const attribute = { 'com.example.job': 'a' };
  const critical = { format, ...pluginAttributes(attribute) };

  it.each(['strict', 'permissive', 'audit'])(
    'that the plugin does not process denies at level %s',
    async (level) => {
      const statement = statementAt(level);
      const by = (...processed: string[]) =>
        verified({ plugin: pluginOf({ processed }) }, { statement }, critical);
      expect((await by('com.example.job')).decided).toBe('allow verified');
      for (const unprocessed of [await by(), await by('com.example.other')]) {
        expect(unprocessed.decided).toBe('deny attribute_unsupported');
        expect(unprocessed.outcomes).toMatchObject({
          integrity: level === 'audit' ? 'failed attribute_unsupported' : 'passed',
        });
      }
    },
  );

  it('is one that is listed as such: others need not be processed', async () => {
    const optional = { format, ...pluginAttributes(attribute, []) };
    expect((await verified({ plugin: pluginOf() }, {}, optional)).decided).toBe('allow verified');
  });

  it('without a plugin fails integrity at every level', async () => {
    const attributes = new Map(Object.entries(attribute));
    const options = {
      format,
      attributes,
      crit: ['io.cncf.notary.signingScheme', 'com.example.job'],
    };
    const statement = statementAt('audit');
    const { outcomes, asked } = await verified({ plugin: pluginOf() }, { statement }, options);
    expect(outcomes['integrity']).toBe('failed attribute_unsupported');
    expect(asked).toEqual([]);
  });
});
