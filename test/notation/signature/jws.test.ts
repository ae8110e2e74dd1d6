// JWS envelopes: their format, each rule with a good envelope and the same with one thing broken.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../agent/errors.ts';
import { MAX_JSON_DEPTH } from '../../../agent/notation/encoding/json.ts';
import { MAX_ENVELOPE_VALUES } from '../../../agent/notation/signature/decoded-envelope.ts';
import {
  JWS_MEDIA_TYPE,
  parseEnvelope,
  type SignatureEnvelope,
} from '../../../agent/notation/signature/envelope.ts';
import { createCa } from '../../support/ca.ts';
import type { CborInput } from '../../support/cbor.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { type EnvelopeOptions, signEnvelope, SIGNING_TIME } from '../../support/sign-envelope.ts';

const signer = createCa().issue();
const sign = (options: Partial<EnvelopeOptions> = {}): Buffer =>
  signEnvelope({ format: 'jws', signer, ...options });
const parse = (bytes: Uint8Array): SignatureEnvelope => parseEnvelope(bytes, JWS_MEDIA_TYPE);

type Json = Record<string, unknown>;
/** A good envelope with its outermost object changed. */
const edit = (change: (envelope: Json) => Json): Buffer =>
  Buffer.from(JSON.stringify(change(JSON.parse(sign().toString()) as Json)));
const without = (member: string): Buffer =>
  edit((envelope) =>
    Object.fromEntries(Object.entries(envelope).filter(([name]) => name !== member)),
  );
const editText =
  (change: (text: string) => string) =>
  (encoded: Buffer): Buffer =>
    Buffer.from(change(encoded.toString()));
const unsigned = (name: string, value: CborInput): Partial<EnvelopeOptions> => ({
  unsigned: new Map([[name, value]]),
});
const x5c = (text: string): Buffer => sign(unsigned('x5c', [text]));
const TIMESTAMP = 'io.cncf.notary.timestampSignature';

describe('a JWS envelope', () => {
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
    expect(envelope.certificates.map((der) => Buffer.from(der))).toEqual(signer.chain);
    expect(JSON.parse(Buffer.from(envelope.payload).toString())).toHaveProperty('targetArtifact');
  });

  it('accepts what the cases below start from', () => {
    expect(parse(edit((envelope) => envelope)).claims.algorithm).toBe('ES256');
    for (const text of ['+/8=', 'AA==', 'AAAAAAAA']) {
      expect(parse(x5c(text)).certificates).toHaveLength(1);
    }
    const token = parse(sign(unsigned(TIMESTAMP, '+/8='))).claims.timestampToken;
    expect(token).toEqual(Buffer.of(0xfb, 0xff));
    const parts = { payload: 'e30', signature: 'AA' };
    expect(parse(edit((envelope) => ({ ...envelope, ...parts }))).payload).toHaveLength(2);
  });

  it('may be written with white space and in any order', () => {
    const envelope = JSON.parse(sign().toString()) as Json;
    const reversed = Object.fromEntries(Object.entries(envelope).reverse());
    expect(parse(Buffer.from(JSON.stringify(reversed, null, 2))).claims.algorithm).toBe('ES256');
  });

  it('may have other unsigned headers, and any signing agent', () => {
    expect(parse(sign(unsigned('other', 1))).claims.signingAgent).toBe('nodeseal-test/1.0');
    expect(parse(sign(unsigned('io.cncf.notary.signingAgent', 7))).claims).not.toHaveProperty(
      'signingAgent',
    );
  });

  it('may have other signed headers that are not critical', () => {
    expect(parse(sign({ attributes: new Map([['typ', 'x']]) })).claims.algorithm).toBe('ES256');
  });

  it.each<[string, Buffer]>([
    ['that is no JSON', Buffer.from('eyJhIjoxfQ..')],
    ['that is no object', Buffer.from('[]')],
    ['with a byte order mark', Buffer.concat([Buffer.from('\ufeff'), sign()])],
    ['with another envelope behind it', Buffer.concat([sign(), sign()])],
    ['with a member twice', Buffer.from(sign().toString().replace('{', '{"payload":"e30",'))],
    ['with an unknown member', edit((envelope) => ({ ...envelope, signatures: [] }))],
    [
      'with a member in other case',
      edit(({ payload, ...rest }) => ({ ...rest, Payload: payload })),
    ],
    ['without payload', without('payload')],
    ['without protected', without('protected')],
    ['without header', without('header')],
    ['without signature', without('signature')],
    ['with a payload that is no string', edit((envelope) => ({ ...envelope, payload: {} }))],
    ['with a header that is no object', edit((envelope) => ({ ...envelope, header: [] }))],
    ['with an empty payload', edit((envelope) => ({ ...envelope, payload: '' }))],
    ['with an empty signature', edit((envelope) => ({ ...envelope, signature: '' }))],
    ['with a padded payload', edit((envelope) => ({ ...envelope, payload: 'e30=' }))],
    ['with bits behind the payload', edit((envelope) => ({ ...envelope, payload: 'e31' }))],
    ['with a space in the payload', edit((envelope) => ({ ...envelope, payload: 'e3 0' }))],
    ['with a payload in plain base64', edit((envelope) => ({ ...envelope, payload: '+/8' }))],
    [
      'with a line break in the signature',
      edit((envelope) => ({ ...envelope, signature: 'AAAA\n' })),
    ],
    ['with a padded signature', edit((envelope) => ({ ...envelope, signature: 'AA==' }))],
    ['with bits behind the signature', edit((envelope) => ({ ...envelope, signature: 'AB' }))],
    [
      'with protected headers in plain base64',
      edit((envelope) => ({ ...envelope, protected: '+/8=' })),
    ],
    ['with protected headers that are no object', sign({ editProtected: () => Buffer.from('[]') })],
    [
      'with a protected header twice',
      sign({ editProtected: editText((text) => text.replace('{', '{"alg":"PS256",')) }),
    ],
    ['with a header both protected and not', sign(unsigned('cty', 'x'))],
    ['without x5c', edit((envelope) => ({ ...envelope, header: {} }))],
    ['with x5c that is no array', edit((envelope) => ({ ...envelope, header: { x5c: 'AAAA' } }))],
    ['with x5c of numbers', edit((envelope) => ({ ...envelope, header: { x5c: [1] } }))],
    ['with x5c in base64url', x5c('-_8=')],
    ['with x5c without padding', x5c('AA')],
    ['with x5c with bits behind it', x5c('AB==')],
    ['with x5c in lines', x5c('AAAA\nAAAA')],
    ['with x5c in the protected header', sign({ attributes: new Map([['x5c', ['AAAA']]]) })],
    [
      'with an unsigned header twice',
      Buffer.from(sign().toString().replace('"x5c":', '"x5c":[],"x5c":')),
    ],
    ['with a timestamp that is no string', sign(unsigned(TIMESTAMP, 1))],
    ['with a timestamp that is no base64', sign(unsigned(TIMESTAMP, 'A'))],
    ['with a timestamp in base64url', sign(unsigned(TIMESTAMP, '-_8='))],
    ['without content type', sign({ contentType: null })],
  ])('%s is refused', (_, bytes) => {
    expectCode(() => parse(bytes), 'envelope_invalid');
  });

  it('may have so many values and no more, in either object', () => {
    const zeros = (count: number): CborInput => Array<CborInput>(count).fill(0);
    // The envelope has its four members, x5c with two certificates, the signing agent and the array.
    expect(parse(sign(unsigned('x', zeros(MAX_ENVELOPE_VALUES - 10))))).toBeDefined();
    expectCode(
      () => parse(sign(unsigned('x', zeros(MAX_ENVELOPE_VALUES - 9)))),
      'envelope_invalid',
    );
    const headers = (count: number): Buffer => sign({ attributes: new Map([['x', zeros(count)]]) });
    expect(parse(headers(100))).toBeDefined();
    expectCode(() => parse(headers(MAX_ENVELOPE_VALUES)), 'envelope_invalid');
  });

  it('may nest so deep and no deeper', () => {
    const nested = (depth: number): Buffer => {
      let value: CborInput = 0;
      for (let level = 0; level < depth; level++) value = [value];
      return sign(unsigned('x', value));
    };
    expect(parse(nested(MAX_JSON_DEPTH - 2))).toBeDefined();
    expectCode(() => parse(nested(MAX_JSON_DEPTH - 1)), 'envelope_invalid');
  });

  it.each<[string, ErrorCode, Partial<EnvelopeOptions>]>([
    ['no algorithm', 'algorithm_unsupported', { alg: null }],
    ['no signature', 'algorithm_unsupported', { alg: 'none' }],
    ['a shared secret', 'algorithm_unsupported', { alg: 'HS256' }],
    ['PKCS #1 v1.5', 'algorithm_unsupported', { alg: 'RS256' }],
    ['another case', 'algorithm_unsupported', { alg: 'es256' }],
    ['a number for an algorithm', 'algorithm_unsupported', { alg: -7 }],
    ['a name that every object has', 'algorithm_unsupported', { alg: 'constructor' }],
    ['another content type', 'payload_invalid', { contentType: 'application/json' }],
    ['no certificate', 'certificate_chain_invalid', { chain: [] }],
    [
      'eleven certificates',
      'certificate_chain_invalid',
      { chain: Array<Buffer>(11).fill(signer.der) },
    ],
  ])('with %s is refused as %s', (_, code, options) => {
    expect(parse(sign({ chain: Array<Buffer>(10).fill(signer.der) })).certificates).toHaveLength(
      10,
    );
    expectCode(() => parse(sign(options)), code);
  });

  it('gives a value or our own error, whatever JSON is in its parts', () => {
    const piece = fc.oneof(fc.jsonValue(), fc.base64String(), fc.constant(undefined));
    const envelope = fc.record({
      payload: piece,
      protected: piece,
      header: piece,
      signature: piece,
    });
    fc.assert(
      fc.property(envelope, fc.json(), (parts, headers) => {
        valueOrAgentError(() => parse(Buffer.from(JSON.stringify(parts))));
        valueOrAgentError(() => parse(sign({ editProtected: () => Buffer.from(headers) })));
      }),
    );
  });
});
