// COSE envelopes: their format, each rule with a good envelope and the same with one thing broken.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../agent/errors.ts';
import { MAX_CBOR_DEPTH, MAX_CBOR_ITEMS } from '../../../agent/notation/encoding/cbor.ts';
import {
  COSE_MEDIA_TYPE,
  parseEnvelope,
  type SignatureEnvelope,
} from '../../../agent/notation/signature/envelope.ts';
import { verifyIntegrity } from '../../../agent/notation/signature/integrity.ts';
import { createCa } from '../../support/ca.ts';
import { cbor, type CborInput, head } from '../../support/cbor.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { runs } from '../../support/properties.ts';
import { type EnvelopeOptions, signEnvelope, SIGNING_TIME } from '../../support/sign-envelope.ts';

const signer = createCa().issue();
const sign = (options: Partial<EnvelopeOptions> = {}): Buffer =>
  signEnvelope({ format: 'cose', signer, ...options });
const parse = (bytes: Uint8Array): SignatureEnvelope => parseEnvelope(bytes, COSE_MEDIA_TYPE);

interface Parts {
  readonly protected: CborInput;
  readonly unprotected: CborInput;
  readonly payload: CborInput;
  readonly signature: CborInput;
}

/** An envelope of good parts but for those given. */
function assemble(parts: Partial<Parts> = {}, options: Partial<EnvelopeOptions> = {}): Buffer {
  let signed: Parts | undefined;
  sign({
    ...options,
    tamper: (good) => {
      signed = { ...good, unprotected: new Map([[33, signer.chain]]), ...parts };
      return {};
    },
  });
  if (signed === undefined) throw new TypeError('nothing was signed');
  return cbor({
    tag: 18,
    value: [signed.protected, signed.unprotected, signed.payload, signed.signature],
  });
}

/** Unprotected headers with that many of one label. */
const withKids = (count: number): CborInput => ({
  raw: Buffer.concat([
    head(5, 1 + count),
    cbor(33),
    cbor(signer.chain),
    ...Array<Buffer>(count).fill(Buffer.concat([cbor(4), cbor('kid')])),
  ]),
});
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const unsigned = (label: string | number, value: CborInput): Partial<EnvelopeOptions> => ({
  unsigned: new Map([[label, value]]),
});
/** Signed over protected headers that are these bytes. */
const withHeaders = (encoded: Uint8Array): Buffer => sign({ editProtected: () => encoded });
const tagged = (value: CborInput): CborInput => ({ tag: 1, value });
const signedTime = (value: CborInput): Partial<EnvelopeOptions> => ({ signingTime: value });

describe('a COSE envelope', () => {
  it('is taken apart', () => {
    const token = Buffer.from('token');
    const envelope = parse(sign({ timestampToken: token, signingAgent: 'agent/1' }));
    expect(envelope.claims).toMatchObject({
      algorithm: 'ES256',
      signingScheme: 'notary.x509',
      signingTime: SIGNING_TIME,
      timestampToken: token,
      signingAgent: 'agent/1',
    });
    expect(envelope.certificates).toEqual(signer.chain);
  });

  it('may have its certificates in the protected headers, but not in both', () => {
    const attributes = new Map([[33, signer.chain]]);
    const verified = verifyIntegrity(parse(assemble({ unprotected: new Map() }, { attributes })));
    expect(verified.chain).toHaveLength(2);
    expectCode(() => parse(sign({ attributes })), 'envelope_invalid');
  });

  it('may have other headers, and any signing agent', () => {
    expect(parse(sign(unsigned(4, Buffer.from('kid')))).claims.algorithm).toBe('ES256');
    expect(parse(sign(unsigned('io.cncf.notary.signingAgent', 7))).claims).not.toHaveProperty(
      'signingAgent',
    );
    expect(parse(sign({ attributes: new Map([[4, 'kid']]) })).claims.algorithm).toBe('ES256');
  });

  it('accepts what the cases below start from', () => {
    expect(parse(assemble()).claims.algorithm).toBe('ES256');
    expect(parse(assemble({ unprotected: withKids(1) })).claims.algorithm).toBe('ES256');
  });

  it.each<[string, Buffer]>([
    ['of no bytes', Buffer.alloc(0)],
    ['without tag', assemble().subarray(1)],
    ['with another tag', Buffer.concat([hex('d1'), assemble().subarray(1)])],
    ['with its tag in two bytes', Buffer.concat([hex('d812'), assemble().subarray(1)])],
    ['with its tag twice', Buffer.concat([hex('d2'), assemble()])],
    ['that is no array', hex('d2a0')],
    ['of three parts', cbor({ tag: 18, value: [hex(''), new Map(), hex('00')] })],
    ['of five parts', Buffer.concat([hex('d285'), assemble().subarray(2), hex('00')])],
    ['of indefinite length', Buffer.concat([hex('d29f'), assemble().subarray(2), hex('ff')])],
    ['with bytes behind it', Buffer.concat([assemble(), hex('00')])],
    ['cut short', assemble().subarray(0, -1)],
    ['with protected headers that are no bytes', assemble({ protected: new Map() })],
    ['with empty protected headers', withHeaders(hex(''))],
    ['with protected headers that are no map', withHeaders(cbor([1]))],
    [
      'with bytes behind its protected headers',
      sign({ editProtected: (good) => Buffer.concat([good, hex('00')]) }),
    ],
    [
      'with a protected header twice',
      sign({
        editProtected: (good) =>
          Buffer.concat([Buffer.of((good[0] ?? 0) + 1), good.subarray(1), hex('0126')]),
      }),
    ],
    [
      'with protected headers in a longer form',
      Buffer.concat([hex('d284'), hex('5900'), assemble().subarray(3)]),
    ],
    [
      'with protected headers of indefinite length',
      sign({ editProtected: (good) => Buffer.concat([hex('bf'), good.subarray(1), hex('ff')]) }),
    ],
    ['with an unprotected header twice', assemble({ unprotected: withKids(2) })],
    ['with protected headers that are tagged', assemble({ protected: tagged(hex('a0')) })],
    ['with unprotected headers that are tagged', assemble({ unprotected: tagged(new Map()) })],
    ['with a payload that is tagged', assemble({ payload: tagged(hex('00')) })],
    ['with a signature that is tagged', assemble({ signature: tagged(hex('00')) })],
    ['with unprotected headers that are no map', assemble({ unprotected: [] })],
    ['with a detached payload', assemble({ payload: null })],
    ['with a payload that is text', assemble({ payload: '{}' })],
    ['with a signature that is text', assemble({ signature: 'x' })],
    ['with an empty payload', sign({ tamper: () => ({ payload: Buffer.alloc(0) }) })],
    ['with an empty signature', sign({ tamper: () => ({ signature: Buffer.alloc(0) }) })],
    ['with a label both protected and not', sign(unsigned(3, 'x'))],
    ['with a tag in the unprotected headers', sign(unsigned('x', { tag: 1, value: 1 }))],
    [
      'with another tag in the protected headers',
      sign({ attributes: new Map([['x', { tag: 0, value: '2026-01-02T03:04:05Z' }]]) }),
    ],
    ['without x5chain', sign(unsigned(33, null))],
    ['with an x5chain that is one certificate', sign(unsigned(33, signer.der))],
    ['with an x5chain of text', sign(unsigned(33, ['x']))],
    ['with an x5chain of one certificate and text', sign(unsigned(33, [signer.der, 'x']))],
    [
      'with a protected x5chain that is one certificate',
      assemble({ unprotected: new Map() }, { attributes: new Map([[33, signer.der]]) }),
    ],
    ['with a timestamp that is text', sign(unsigned('io.cncf.notary.timestampSignature', 'x'))],
    [
      'with a content type that is a number',
      sign({
        editProtected: () =>
          cbor(
            new Map<CborInput, CborInput>([
              [1, -7],
              [2, ['x']],
              [3, 50],
            ]),
          ),
      }),
    ],
    ['without content type', sign({ contentType: null })],
    ['with a crit of bytes', sign({ crit: [hex('00')] })],
    ['with a time that is text', sign(signedTime('2026-01-02T03:04:05Z'))],
    ['with a time that has its tag twice', sign(signedTime(tagged(tagged(1_767_323_045))))],
    ['with a time that has no tag', sign(signedTime(1_767_323_045))],
    ['with a time in bytes', sign(signedTime({ tag: 1, value: hex('00') }))],
    ['with a time before 1970', sign(signedTime({ tag: 1, value: -1 }))],
    ['with a time after the year 9999', sign(signedTime({ tag: 1, value: 253_402_300_800 }))],
    ['with a time beyond exact numbers', sign(signedTime({ tag: 1, value: 1n << 62n }))],
  ])('%s is refused', (_, bytes) => {
    expectCode(() => parse(bytes), 'envelope_invalid');
  });

  it('may nest so deep and no deeper', () => {
    const nested = (depth: number): Buffer => {
      let value: CborInput = 0;
      for (let level = 0; level < depth; level++) value = [value];
      return sign(unsigned('x', value));
    };
    expect(parse(nested(MAX_CBOR_DEPTH - 2))).toBeDefined();
    expectCode(() => parse(nested(MAX_CBOR_DEPTH - 1)), 'envelope_invalid');
  });

  it('may have so many items and no more', () => {
    const many = (count: number): Buffer => sign(unsigned('x', Array<CborInput>(count).fill(0)));
    expect(parse(many(MAX_CBOR_ITEMS - 20))).toBeDefined();
    expectCode(() => parse(many(MAX_CBOR_ITEMS)), 'envelope_invalid');
  });

  it('may have a time with a fraction, which is cut', () => {
    const { claims } = parse(sign(signedTime({ tag: 1, value: 1_767_323_045.9996 })));
    expect(claims.signingTime.toISOString()).toBe('2026-01-02T03:04:05.999Z');
  });

  it.each<[string, ErrorCode, Partial<EnvelopeOptions>]>([
    ['no algorithm', 'algorithm_unsupported', { alg: null }],
    ['HMAC', 'algorithm_unsupported', { alg: 5 }],
    ['PKCS #1 v1.5', 'algorithm_unsupported', { alg: -257 }],
    ['EdDSA', 'algorithm_unsupported', { alg: -8 }],
    ['the name of an algorithm', 'algorithm_unsupported', { alg: 'ES256' }],
    ['another content type', 'payload_invalid', { contentType: 'application/json' }],
    ['no certificate', 'certificate_chain_invalid', { chain: [] }],
    [
      'eleven certificates',
      'certificate_chain_invalid',
      { chain: Array<Buffer>(11).fill(signer.der) },
    ],
  ])('with %s is refused as %s', (_, code, options) => {
    expectCode(() => parse(sign(options)), code);
  });

  it('with a float for its algorithm is refused', () => {
    const good = hex('0126');
    const float = (encoded: Buffer): Buffer => {
      const at = encoded.indexOf(good);
      const value = Buffer.alloc(8);
      value.writeDoubleBE(-7);
      return Buffer.concat([encoded.subarray(0, at), hex('01fb'), value, encoded.subarray(at + 2)]);
    };
    expectCode(() => parse(sign({ editProtected: float })), 'algorithm_unsupported');
  });

  it('gives a value or our own error for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        valueOrAgentError(() => parse(Buffer.concat([hex('d284'), bytes])));
        valueOrAgentError(() => parse(withHeaders(bytes)));
      }),
      { numRuns: runs(500) },
    );
  });
});
