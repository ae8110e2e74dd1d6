// Signed attributes, in both formats: schemes, times, crit.
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../agent/errors.ts';
import { parseEnvelope, type SignatureClaims } from '../../../agent/notation/signature/envelope.ts';
import { createCa } from '../../support/ca.ts';
import { expectCode } from '../../support/expect-code.ts';
import type { CborInput } from '../../support/cbor.ts';
import {
  type EnvelopeOptions,
  MEDIA_TYPES,
  signEnvelope,
  SIGNING_TIME,
} from '../../support/sign-envelope.ts';

const signer = createCa().issue();
const LATER = new Date('2026-01-02T03:04:06Z');
const AUTHORITY = 'notary.x509.signingAuthority';
const PREFIX = 'io.cncf.notary.';
const SCHEME = `${PREFIX}signingScheme`;
const EXPIRY = `${PREFIX}expiry`;
const PLUGIN = `${PREFIX}verificationPlugin`;
const MIN_VERSION = `${PREFIX}verificationPluginMinVersion`;

const plugin = (value: string | number, ...crit: string[]): Partial<EnvelopeOptions> => ({
  attributes: new Map([[PLUGIN, value]]),
  crit: [SCHEME, ...crit],
});

const minimum = (version: string | number): Partial<EnvelopeOptions> => ({
  attributes: new Map<string, string | number>([
    [PLUGIN, 'com.example'],
    [MIN_VERSION, version],
  ]),
  crit: [SCHEME, PLUGIN, MIN_VERSION],
});

describe.each(['jws', 'cose'] as const)('signed attributes in %s', (format) => {
  const claims = (options: Partial<EnvelopeOptions>): SignatureClaims =>
    parseEnvelope(signEnvelope({ format, signer, ...options }), MEDIA_TYPES[format]).claims;

  it.each<[string, Partial<EnvelopeOptions>, Partial<SignatureClaims>]>([
    ['the scheme notary.x509', {}, { signingScheme: 'notary.x509', signingTime: SIGNING_TIME }],
    [
      'the scheme of signing authorities',
      { scheme: AUTHORITY },
      { signingScheme: AUTHORITY, signingTime: SIGNING_TIME },
    ],
    ['an expiry', { expiry: LATER }, { expiry: LATER }],
    ['crit in another order', { expiry: LATER, crit: [EXPIRY, SCHEME] }, { expiry: LATER }],
    ['a verification plugin', plugin('com.example', PLUGIN), { verificationPlugin: 'com.example' }],
    [
      'a minimum version of the plugin',
      minimum('1.0.0-rc.1+build'),
      { verificationPlugin: 'com.example', verificationPluginMinVersion: '1.0.0-rc.1+build' },
    ],
    [
      'an unknown attribute that is not critical',
      { attributes: new Map([['x', 1]]) },
      { extended: [{ label: 'x', value: 1, critical: false }] },
    ],
    [
      'unknown attributes beside a plugin, critical or not',
      {
        attributes: new Map<string, CborInput>([
          ['x', 'y'],
          [PLUGIN, 'com.example'],
          ['__proto__', [null]],
        ]),
        crit: [SCHEME, PLUGIN, 'x'],
      },
      {
        verificationPlugin: 'com.example',
        extended: [
          { label: 'x', value: 'y', critical: true },
          { label: '__proto__', value: [null], critical: false },
        ],
      },
    ],
  ])('may hold %s', (_, options, expected) => {
    expect(claims(options)).toMatchObject(expected);
  });

  it('leave out what is absent', () => {
    expect(claims({}).extended).toEqual([]);
    expect(claims({ expiry: LATER }).extended).toEqual([]);
    expect(claims({})).not.toHaveProperty('expiry');
    expect(claims({})).not.toHaveProperty('verificationPlugin');
  });

  it.each<[string, ErrorCode, Partial<EnvelopeOptions>]>([
    ['no scheme', 'envelope_invalid', { scheme: null }],
    [
      'a scheme that crit lists but that is absent',
      'envelope_invalid',
      { scheme: null, crit: [SCHEME] },
    ],
    ['an unknown scheme', 'attribute_unsupported', { scheme: 'notary.x509.other', crit: [SCHEME] }],
    ['a scheme that every object has', 'attribute_unsupported', { scheme: 'constructor' }],
    ['no signing time', 'envelope_invalid', { signingTime: null }],
    [
      'no authentic signing time',
      'envelope_invalid',
      { scheme: AUTHORITY, authenticSigningTime: null },
    ],
    [
      'the time of the other scheme beside its own',
      'envelope_invalid',
      { authenticSigningTime: SIGNING_TIME },
    ],
    [
      'the time of the other scheme instead',
      'envelope_invalid',
      { signingTime: null, authenticSigningTime: SIGNING_TIME },
    ],
    [
      'a signing time beside the authentic one',
      'envelope_invalid',
      { scheme: AUTHORITY, signingTime: SIGNING_TIME },
    ],
    ['a signing time that is no time', 'envelope_invalid', { signingTime: 'now' }],
    ['an expiry that is no time', 'envelope_invalid', { expiry: 'never' }],
    ['an expiry at the signing time', 'envelope_invalid', { expiry: SIGNING_TIME }],
    [
      'an expiry before the signing time',
      'envelope_invalid',
      { expiry: new Date('2026-01-02T03:04:04Z') },
    ],
    [
      'an expiry before the authentic signing time',
      'envelope_invalid',
      { scheme: AUTHORITY, expiry: SIGNING_TIME },
    ],
    ['no crit', 'envelope_invalid', { crit: null }],
    ['an empty crit', 'envelope_invalid', { crit: [] }],
    ['a crit that is no array', 'envelope_invalid', { crit: SCHEME }],
    ['a crit of other things', 'envelope_invalid', { crit: [SCHEME, true] }],
    ['a crit without the scheme', 'envelope_invalid', { expiry: LATER, crit: [EXPIRY] }],
    ['a crit without the expiry', 'envelope_invalid', { expiry: LATER, crit: [SCHEME] }],
    [
      'a crit without the authentic signing time',
      'envelope_invalid',
      { scheme: AUTHORITY, crit: [SCHEME] },
    ],
    ['a crit that names the same twice', 'envelope_invalid', { crit: [SCHEME, SCHEME] }],
    ['a crit that names what is absent', 'envelope_invalid', { crit: [SCHEME, EXPIRY] }],
    [
      'a crit that names the signing time',
      'envelope_invalid',
      { crit: [SCHEME, `${PREFIX}signingTime`] },
    ],
    [
      'a crit that names the algorithm',
      'envelope_invalid',
      { crit: [SCHEME, format === 'jws' ? 'alg' : 1] },
    ],
    [
      'a crit that names the content type',
      'envelope_invalid',
      { crit: [SCHEME, format === 'jws' ? 'cty' : 3] },
    ],
    [
      'a crit that names an unsigned header',
      'envelope_invalid',
      { crit: [SCHEME, `${PREFIX}signingAgent`] },
    ],
    ['a crit that names what every object has', 'envelope_invalid', { crit: [SCHEME, 'toString'] }],
    [
      'an unknown critical attribute',
      'attribute_unsupported',
      { attributes: new Map([['x', 1]]), crit: [SCHEME, 'x'] },
    ],
    ['a plugin that is not critical', 'envelope_invalid', plugin('com.example')],
    ['a blank plugin', 'envelope_invalid', plugin(' ', PLUGIN)],
    ['a plugin that is no string', 'envelope_invalid', plugin(1, PLUGIN)],
    [
      'a minimum version without a plugin',
      'envelope_invalid',
      { attributes: new Map([[MIN_VERSION, '1.0.0']]), crit: [SCHEME, MIN_VERSION] },
    ],
    ['a minimum version that is none', 'envelope_invalid', minimum('1.0')],
    ['a minimum version with a v', 'envelope_invalid', minimum('v1.0.0')],
    ['a blank minimum version', 'envelope_invalid', minimum(' ')],
    ['a minimum version that is no string', 'envelope_invalid', minimum(1)],
    [
      'a minimum version that is not critical',
      'envelope_invalid',
      { ...minimum('1.0.0'), crit: [SCHEME, PLUGIN] },
    ],
  ])('with %s are refused as %s', (_, code, options) => {
    expectCode(() => claims(options), code);
  });

  // With b64 false the signature would be over other bytes.
  it.each(['b64', 'kid', 'jwk', 'x5u'])('must not make the header %s critical', (name) => {
    const attributes = new Map<string, string | boolean>([
      [PLUGIN, 'com.example'],
      [name, true],
    ]);
    expect(claims({ attributes, crit: [SCHEME, PLUGIN] }).extended).toHaveLength(1);
    const crit = [SCHEME, PLUGIN, name];
    expectCode(() => claims({ attributes, crit }), 'attribute_unsupported');
  });

  it('may not be hidden behind an integer label', () => {
    const options = {
      attributes: new Map([[99, 'x']]),
      crit: [SCHEME, format === 'jws' ? '99' : 99],
    };
    expectCode(() => claims(options), 'attribute_unsupported');
  });
});

describe('an attribute with an integer label', () => {
  const extended = (crit: (string | number)[]) => {
    const attributes = new Map<string | number, string>([
      [PLUGIN, 'com.example'],
      [99, 'x'],
    ]);
    const envelope = signEnvelope({ format: 'cose', signer, attributes, crit });
    return parseEnvelope(envelope, MEDIA_TYPES.cose).claims.extended;
  };

  it('is kept when it is not critical', () => {
    expect(extended([SCHEME, PLUGIN])).toEqual([{ label: 99, value: 'x', critical: false }]);
  });

  // A plugin is told names, and "99" would be the name of another attribute.
  it('is refused when it is critical, also beside a plugin', () => {
    expectCode(() => extended([SCHEME, PLUGIN, 99]), 'attribute_unsupported');
    expectCode(() => extended([SCHEME, PLUGIN, '99']), 'envelope_invalid');
  });
});
