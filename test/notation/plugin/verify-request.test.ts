// The request to verify a signature, as the contract has it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeVerifyRequest } from '../../../agent/notation/plugin/verify-request.ts';
import { expectCode } from '../../support/expect-code.ts';
import type { EnvelopeOptions } from '../../support/sign-envelope.ts';
import { BOTH, pluginAttributes, requestOf, signatureOf, signer } from './fixture.ts';

const SCHEME = 'io.cncf.notary.signingScheme';
const EXPIRY = 'io.cncf.notary.expiry';
const AUTHENTIC_SIGNING_TIME = 'io.cncf.notary.authenticSigningTime';

/** Names that are no attributes, or not for plugins. */
const HEADERS = new Set('alg cty crit b64 jku jwk kid typ x5c x5t x5t#S256 x5u'.split(' '));

interface EncodedRequest {
  readonly signature: {
    readonly criticalAttributes: Readonly<Record<string, unknown>>;
    readonly unprocessedAttributes: readonly string[];
  };
}

const encode = (options: Partial<EnvelopeOptions> = {}) =>
  JSON.parse(encodeVerifyRequest(requestOf({ signature: signatureOf(options) }))) as EncodedRequest;

describe.each(['jws', 'cose'] as const)('a request for a signature in %s', (format) => {
  it('holds what the contract asks for and nothing else', () => {
    expect(encode({ format })).toStrictEqual({
      contractVersion: '1.0',
      signature: {
        criticalAttributes: {
          contentType: 'application/vnd.cncf.notary.payload.v1+json',
          signingScheme: 'notary.x509',
        },
        unprocessedAttributes: [],
        certificateChain: signer.chain.map((der) => der.toString('base64')),
      },
      trustPolicy: {
        trustedIdentities: ['com.example: arn'],
        signatureVerification: BOTH,
      },
    });
  });

  it('holds the expiry', () => {
    const plugin = pluginAttributes();
    const crit = [SCHEME, EXPIRY, 'io.cncf.notary.verificationPlugin'];
    const whole = encode({ format, ...plugin, crit, expiry: new Date('2030-01-02T03:04:05Z') });
    expect(whole.signature.criticalAttributes['expiry']).toBe('2030-01-02T03:04:05Z');
    const exact = encode({ format, ...plugin, crit, expiry: new Date('2030-01-02T03:04:05.125Z') });
    expect(exact.signature.criticalAttributes['expiry']).toBe('2030-01-02T03:04:05.125Z');
  });

  it('holds the authentic signing time of a signing authority', () => {
    const scheme = 'notary.x509.signingAuthority';
    const crit = [SCHEME, AUTHENTIC_SIGNING_TIME, 'io.cncf.notary.verificationPlugin'];
    const { criticalAttributes } = encode({ format, scheme, crit }).signature;
    expect(criticalAttributes['signingScheme']).toBe(scheme);
    expect(criticalAttributes['authenticSigningTime']).toBe('2026-01-02T03:04:05Z');
  });

  it('holds extended attributes, and names the critical ones as unprocessed', () => {
    const attributes = { text: 'a"b', whole: 7, part: 0.5, yes: true, none: 'x', ['__proto__']: 1 };
    const { signature } = encode({ format, ...pluginAttributes(attributes, ['text', 'yes']) });
    const extended = signature.criticalAttributes['extendedAttributes'] as object;
    expect(Object.entries(extended)).toEqual(Object.entries(attributes));
    expect(signature.unprocessedAttributes).toEqual(['text', 'yes']);
  });

  it.each([
    ['an array', [1]],
    ['a map', new Map([['a', 1]])],
    ['a whole number that is not exact', 9007199254740993n],
    ['a negative one', -9007199254740993n],
  ])('leaves out %s, unless it is critical: that is refused', (_, value) => {
    const attribute = typeof value === 'bigint' && format === 'jws' ? Number(value) : value;
    const of = (critical: string[]) => ({
      format,
      ...pluginAttributes({ odd: attribute, text: 'a' }, critical),
    });
    const { criticalAttributes } = encode(of([])).signature;
    expect(criticalAttributes['extendedAttributes']).toEqual({ text: 'a' });
    expectCode(() => encode(of(['odd'])), 'attribute_unsupported');
  });
});

describe('a request for a signature in COSE', () => {
  it.each([
    ['bytes', Buffer.from('x')],
    ['a time', { tag: 1, value: 1 }],
  ])('refuses %s as a critical attribute', (_, value) => {
    const options = { format: 'cose', ...pluginAttributes({ odd: value }) } as const;
    expectCode(() => encode(options), 'attribute_unsupported');
  });

  it('does not tell attributes with integer labels', () => {
    const attributes = new Map<string | number, string>([
      ['io.cncf.notary.verificationPlugin', 'com.example'],
      [99, 'x'],
    ]);
    const crit = [SCHEME, 'io.cncf.notary.verificationPlugin'];
    const { signature } = encode({ format: 'cose', attributes, crit });
    expect(signature.criticalAttributes).not.toHaveProperty('extendedAttributes');
  });

  it('holds whatever primitive was signed, in either format', () => {
    const primitive = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean());
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), primitive, (name, value) => {
        fc.pre(!HEADERS.has(name) && !/^\d+$/.test(name));
        for (const format of ['jws', 'cose'] as const) {
          const { signature } = encode({ format, ...pluginAttributes({ [name]: value }) });
          expect(signature.unprocessedAttributes).toEqual([name]);
          const extended = signature.criticalAttributes['extendedAttributes'] as object;
          expect(Object.entries(extended)).toEqual([[name, value]]);
        }
      }),
      { numRuns: 30 },
    );
  });
});
