// What a plugin has to say of itself to be used.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertSuitable, parsePluginMetadata } from '../../../agent/notation/plugin/metadata.ts';
import { MAX_RESPONSE_BYTES } from '../../../agent/notation/plugin/response.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { goodMetadata, PLUGIN_NAME, PLUGIN_VERSION } from '../../support/verification-plugin.ts';
import { BOTH, REVOCATION_CHECK, TRUSTED_IDENTITY } from './fixture.ts';

const parseText = (text: string) => parsePluginMetadata(Buffer.from(text), PLUGIN_NAME, 'plugin');
const parse = (members: Readonly<Record<string, unknown>> = {}) =>
  parseText(JSON.stringify({ ...goodMetadata(), ...members }));

describe('metadata of a plugin', () => {
  it('are read', () => {
    expect(parse()).toEqual({
      name: PLUGIN_NAME,
      description: 'Verifies what tests sign',
      version: PLUGIN_VERSION,
      url: 'https://example.com/verifier',
      capabilities: new Set(BOTH),
    });
  });

  it.each([
    ['capabilities of other kinds', { capabilities: ['SIGNATURE_GENERATOR.RAW', 'NEW'] }],
    ['a later contract beside ours', { supportedContractVersions: ['2.0', '1.0'] }],
    ['members that are not known', { constructor: { a: 1 }, ['__proto__']: 1 }],
  ])('may have %s', (_, members) => {
    expect(parse(members).name).toBe(PLUGIN_NAME);
  });

  it('keep the capabilities for verification', () => {
    const capabilities = [REVOCATION_CHECK, 'SIGNATURE_GENERATOR.RAW', REVOCATION_CHECK];
    expect(parse({ capabilities }).capabilities).toEqual(new Set([REVOCATION_CHECK]));
    expect(parse({ capabilities: ['constructor'] }).capabilities).toEqual(new Set());
  });

  const required = Object.keys(goodMetadata());

  it.each(required)('must have %s', (member) => {
    expectCode(() => parse({ [member]: undefined }), 'plugin_invalid');
    expectCode(() => parse({ [member]: null }), 'plugin_invalid');
  });

  it.each(required)('must not have an empty or other %s', (member) => {
    for (const value of ['', [], {}, 1, true, ['1.0', 1]]) {
      expectCode(() => parse({ [member]: value }), 'plugin_invalid');
    }
  });

  it.each([
    ['another name', { name: 'com.example.other' }],
    ['a name in another case', { name: PLUGIN_NAME.toUpperCase() }],
    ['a version that is none', { version: '1.0' }],
    ['a version with a v', { version: 'v1.0.0' }],
    ['another contract alone', { supportedContractVersions: ['1.1', '2.0'] }],
  ])('must not have %s', (_, members) => {
    expectCode(() => parse(members), 'plugin_invalid');
  });

  it.each([
    ['no JSON', 'plugin 1.0'],
    ['nothing', ''],
    ['an array', '[]'],
    ['null', 'null'],
    ['more after them', `${JSON.stringify(goodMetadata())}{}`],
    ['a member twice', JSON.stringify(goodMetadata()).replace('{', '{"name":"a",')],
    ['too many levels', JSON.stringify({ ...goodMetadata(), more: deep(8) })],
    ['too many bytes', JSON.stringify(goodMetadata()) + ' '.repeat(MAX_RESPONSE_BYTES)],
  ])('must not be %s', (_, text) => {
    expectCode(() => parseText(text), 'plugin_invalid');
  });

  it('may nest a little', () => {
    expect(parse({ more: deep(7) }).name).toBe(PLUGIN_NAME);
  });

  it('that are anything give a value or our error', () => {
    const member = fc.constantFrom(...required);
    fc.assert(
      fc.property(fc.dictionary(member, fc.jsonValue(), { noNullPrototype: true }), (members) => {
        const metadata = valueOrAgentError(() => parse(members));
        if (!(metadata instanceof Error)) expect(metadata.name).toBe(PLUGIN_NAME);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => void valueOrAgentError(() => parseText(text))));
  });
});

describe('a plugin', () => {
  it.each([undefined, '0.9.0', '1.2.3-rc.1', PLUGIN_VERSION, `${PLUGIN_VERSION}+build`])(
    'suits a signature that asks for version %s',
    (minVersion) => {
      expect(() => assertSuitable(parse(), minVersion)).not.toThrow();
    },
  );

  it.each(['1.2.4', '1.2.4-rc.1', '1.10.0', '2.0.0'])(
    'does not suit one that asks for version %s',
    (minVersion) => {
      expectCode(() => assertSuitable(parse(), minVersion), 'plugin_unsupported');
    },
  );

  it('that is a pre-release is older than its release', () => {
    const plugin = parse({ version: '1.2.3-rc.1' });
    expectCode(() => assertSuitable(plugin, '1.2.3'), 'plugin_unsupported');
  });

  it('suits with one capability to verify, and not without', () => {
    for (const capability of BOTH) assertSuitable(parse({ capabilities: [capability] }), undefined);
    const signs = parse({ capabilities: ['SIGNATURE_GENERATOR.RAW'] });
    const error = expectCode(() => assertSuitable(signs, undefined), 'plugin_unsupported');
    expect(error.message).toContain(TRUSTED_IDENTITY);
  });
});

function deep(levels: number): unknown {
  return levels === 0 ? 1 : [deep(levels - 1)];
}
