// Integrity: what was signed, by which key, with which algorithm; nothing that was signed can change.
import { sign as signDer } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../agent/errors.ts';
import {
  COSE_MEDIA_TYPE,
  JWS_MEDIA_TYPE,
  parseEnvelope,
} from '../../../agent/notation/signature/envelope.ts';
import { MAX_ENVELOPE_BYTES } from '../../../agent/notation/signature/decoded-envelope.ts';
import {
  verifyIntegrity,
  type VerifiedSignature,
} from '../../../agent/notation/signature/integrity.ts';
import { createCa, createSelfSigned } from '../../support/ca.ts';
import { expectCode } from '../../support/expect-code.ts';
import { testKey } from '../../support/keys.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { runs } from '../../support/properties.ts';
import {
  type EnvelopeOptions,
  MEDIA_TYPES,
  signBytes,
  signEnvelope,
  SIGNING_TIME,
  TARGET,
  toBeSigned,
} from '../../support/sign-envelope.ts';

const ca = createCa({ intermediates: 1 });
const signer = ca.issue();
const rsaSigner = ca.issue({ key: 'rsa-2048' });
const other = createCa({ name: 'Other' }).issue({ key: testKey('p256', 'other leaf') });

describe('parseEnvelope', () => {
  it('goes by the media type', () => {
    const jws = signEnvelope({ format: 'jws', signer });
    const cose = signEnvelope({ format: 'cose', signer });
    expect(parseEnvelope(jws, JWS_MEDIA_TYPE).claims.algorithm).toBe('ES256');
    expect(parseEnvelope(cose, COSE_MEDIA_TYPE).claims.algorithm).toBe('ES256');
    expectCode(() => parseEnvelope(jws, COSE_MEDIA_TYPE), 'envelope_invalid');
    expectCode(() => parseEnvelope(cose, JWS_MEDIA_TYPE), 'envelope_invalid');
    for (const mediaType of ['', 'application/json', 'application/jose', 'APPLICATION/COSE']) {
      expectCode(() => parseEnvelope(jws, mediaType), 'envelope_unsupported');
    }
  });

  it('bounds the size before anything else', () => {
    const jws = signEnvelope({ format: 'jws', signer });
    const padded = (bytes: number): Buffer =>
      Buffer.concat([jws, Buffer.alloc(bytes - jws.length, ' ')]);
    expect(parseEnvelope(padded(MAX_ENVELOPE_BYTES), JWS_MEDIA_TYPE)).toBeDefined();
    const tooLarge = padded(MAX_ENVELOPE_BYTES + 1);
    expectCode(() => parseEnvelope(tooLarge, JWS_MEDIA_TYPE), 'envelope_invalid');
  });
});

describe.each(['jws', 'cose'] as const)('verifyIntegrity of %s', (format) => {
  const sign = (options: Partial<EnvelopeOptions> = {}): Buffer =>
    signEnvelope({ format, signer, ...options });
  const verify = (bytes: Uint8Array): VerifiedSignature =>
    verifyIntegrity(parseEnvelope(bytes, MEDIA_TYPES[format]));

  it('returns what was signed', () => {
    const expiry = new Date('2030-01-01T00:00:00Z');
    const timestampToken = Buffer.from('token');
    const verified = verify(sign({ expiry, timestampToken }));
    expect(verified).toMatchObject({
      target: TARGET,
      algorithm: 'ES256',
      signingScheme: 'notary.x509',
      signingTime: SIGNING_TIME,
      expiry,
      timestampToken,
      signingAgent: 'nodeseal-test/1.0',
    });
    expect(verified.signatureValue).toHaveLength(64);
    expect(verified.timestampToken).toBeInstanceOf(Uint8Array);
    expect(verified.chain.map(({ raw }) => Buffer.from(raw))).toEqual(signer.chain);
  });

  it('returns the primitive signature, which timestamps are made over', () => {
    let signature: Uint8Array = Buffer.of();
    const bytes = sign({
      tamper: (parts) => {
        ({ signature } = parts);
        return {};
      },
    });
    expect(Buffer.compare(verify(bytes).signatureValue, signature)).toBe(0);
  });

  it.each([
    ['rsa-2048', 'PS256'],
    ['rsa-3072', 'PS384'],
    ['rsa-4096', 'PS512'],
    ['p256', 'ES256'],
    ['p384', 'ES384'],
    ['p521', 'ES512'],
  ] as const)('accepts a key of %s with %s', (key, algorithm) => {
    expect(verify(sign({ signer: ca.issue({ key }) })).algorithm).toBe(algorithm);
  });

  it('accepts a self-signed leaf', () => {
    expect(verify(sign({ signer: createSelfSigned() })).chain).toHaveLength(1);
  });

  it.each<[string, ErrorCode, Partial<EnvelopeOptions>]>([
    ['signed with another key', 'signature_invalid', { key: other.key }],
    ['with the chain of another', 'signature_invalid', { chain: other.chain }],
    [
      'with another payload',
      'signature_invalid',
      { tamper: () => ({ payload: Buffer.from('{}') }) },
    ],
    [
      'with the signature of another envelope',
      'signature_invalid',
      { tamper: ({ payload }) => ({ signature: signBytes('ES256', signer.key, payload) }) },
    ],
    [
      'whose signature is a byte short',
      'signature_invalid',
      { tamper: ({ signature }) => ({ signature: signature.subarray(0, -1) }) },
    ],
    [
      'whose signature is a byte long',
      'signature_invalid',
      { tamper: ({ signature }) => ({ signature: Buffer.concat([signature, Buffer.of(0)]) }) },
    ],
    [
      'whose r and s are a byte longer than the curve',
      'signature_invalid',
      {
        tamper: ({ signature }) => ({
          signature: Buffer.concat([
            Buffer.of(0),
            signature.subarray(0, 32),
            Buffer.of(0),
            signature.subarray(32),
          ]),
        }),
      },
    ],
    [
      'whose signature is DER',
      'signature_invalid',
      {
        tamper: ({ protected: headers, payload }) => ({
          signature: signDer('sha256', toBeSigned(format, headers, payload), signer.key.privateKey),
        }),
      },
    ],
    [
      'whose signature is zero',
      'signature_invalid',
      { tamper: () => ({ signature: Buffer.alloc(64) }) },
    ],
    [
      'whose RSA signature is PKCS #1 v1.5',
      'signature_invalid',
      {
        signer: rsaSigner,
        tamper: ({ protected: headers, payload }) => ({
          signature: signDer(
            'sha256',
            toBeSigned(format, headers, payload),
            rsaSigner.key.privateKey,
          ),
        }),
      },
    ],
    [
      'whose RSA signature is a byte long',
      'signature_invalid',
      {
        signer: rsaSigner,
        tamper: ({ signature }) => ({ signature: Buffer.concat([Buffer.of(0), signature]) }),
      },
    ],
    [
      'signed as in the other format',
      'signature_invalid',
      {
        tamper: ({ protected: headers, payload }) => ({
          signature: signBytes(
            'ES256',
            signer.key,
            toBeSigned(format === 'jws' ? 'cose' : 'jws', headers, payload),
          ),
        }),
      },
    ],
    [
      'whose algorithm is not the one of the key',
      'algorithm_mismatch',
      { alg: format === 'jws' ? 'ES384' : -35 },
    ],
    [
      'whose algorithm is of another kind',
      'algorithm_mismatch',
      { alg: format === 'jws' ? 'PS256' : -37 },
    ],
    [
      'signed with another algorithm than the key is for, and saying so',
      'algorithm_mismatch',
      { signer: rsaSigner, algorithm: 'PS384' },
    ],
    [
      'whose salt is shorter than the hash',
      'signature_invalid',
      { signer: rsaSigner, saltLength: 20 },
    ],
    [
      'whose salt is longer than the hash',
      'signature_invalid',
      { signer: rsaSigner, saltLength: 64 },
    ],
    [
      'whose leaf has a key of another size',
      'certificate_key_unsupported',
      { signer: ca.issue({ key: 'rsa-2560' }) },
    ],
    ['whose leaf is malformed', 'certificate_invalid', { chain: [Buffer.from('x')] }],
    [
      'with a malformed certificate after its leaf',
      'certificate_invalid',
      { chain: [signer.der, Buffer.of(0x30, 0)] },
    ],
    ['whose chain has no root', 'certificate_not_self_signed', { chain: signer.chain.slice(0, 2) }],
    [
      'whose chain is in the wrong order',
      'signature_invalid',
      { chain: signer.chain.toReversed() },
    ],
    [
      'whose leaf may not sign code',
      'certificate_key_usage_missing',
      { signer: ca.issue({ keyUsage: null }) },
    ],
    ['whose payload is no descriptor', 'payload_invalid', { payload: Buffer.from('{}') }],
    ['whose payload is no JSON', 'payload_invalid', { payload: Buffer.from('x') }],
  ])('refuses an envelope %s', (_, code, options) => {
    expectCode(() => verify(sign(options)), code);
  });

  it('looks into the payload only after the signature', () => {
    const options = { payload: Buffer.from('{}') };
    expectCode(() => verify(sign(options)), 'payload_invalid');
    expectCode(() => verify(sign({ ...options, key: other.key })), 'signature_invalid');
  });

  it('is not moved by the validity of certificates', () => {
    const expired = ca.issue({ notAfter: new Date('2024-01-02T00:00:00Z') });
    expect(verify(sign({ signer: expired })).target).toEqual(TARGET);
  });

  it.each(['protected', 'payload', 'signature'] as const)(
    'refuses any envelope in which a bit of its %s changed',
    (part) => {
      const good = sign();
      expect(verify(good)).toBeDefined();
      fc.assert(
        fc.property(fc.nat(), fc.nat(7), (position, bit) => {
          const changed = sign({
            tamper: (parts) => {
              const bytes = Buffer.from(parts[part]);
              const at = position % bytes.length;
              bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
              return { [part]: bytes };
            },
          });
          expect(valueOrAgentError(() => verify(changed))).toBeInstanceOf(Error);
        }),
      );
    },
  );

  it('gives the same target or an error, whatever byte of the envelope changes', () => {
    const good = sign();
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, octet) => {
        const changed = Buffer.from(good);
        changed[at] = octet;
        const verified = valueOrAgentError(() => verify(changed));
        // Unsigned headers may change without notice; nothing that was signed may.
        if (!(verified instanceof Error)) {
          expect(verified).toMatchObject({ target: TARGET, signingTime: SIGNING_TIME });
        }
      }),
      { numRuns: runs(500) },
    );
  });
});
