// Tokens that others made: openssl's authority and pkijs, neither of which shares code with us, and
// ours held against theirs.
import { X509Certificate } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { verifyTimestamp } from '../../../agent/notation/timestamp/timestamp.ts';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import { expectCode } from '../../support/expect-code.ts';
import type { KeyType } from '../../support/keys.ts';
import { STAMP_TIME } from '../../support/tsa-info.ts';
import { createOpensslTsa } from '../../support/tsa-openssl.ts';
import { type PkijsTokenOptions, stampWithPkijs } from '../../support/tsa-pkijs.ts';
import { startTsaServer } from '../../support/tsa-server.ts';
import { createTsa, type TokenOptions } from '../../support/tsa.ts';
import { MESSAGE, trusting } from './fixture.ts';

describe.each([
  ['rsa:2048', ['rsa:2048']],
  ['P-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
])('an authority of openssl with %s', (_, newkey) => {
  const tsa = createOpensslTsa(newkey);
  afterAll(tsa.close);
  const trusted = [parseCertificate(new X509Certificate(tsa.rootPem).raw, 'root')];

  it.each(['sha256', 'sha384', 'sha512'] as const)('stamps a %s digest', (hash) => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const token = tsa.stamp(MESSAGE, hash);
    const { time, accuracyMs, chain } = verifyTimestamp(token, MESSAGE, trusted);
    expect(time.getTime()).toBeGreaterThanOrEqual(before);
    expect(time.getTime()).toBeLessThanOrEqual(Date.now());
    expect(accuracyMs).toBe(1500.1);
    expect(chain).toHaveLength(2);
  });

  it('stamps one message and not another, under its own root only', () => {
    const token = tsa.stamp(MESSAGE);
    expectCode(() => verifyTimestamp(token, Buffer.from('x'), trusted), 'timestamp_mismatch');
    expectCode(() => verifyTimestamp(token, MESSAGE, []), 'timestamp_untrusted');
  });

  it.each<[string, boolean, TokenOptions]>([
    ['agrees with us on our tokens', true, {}],
    ['agrees with us on a long hash', true, { digest: 'sha512', info: { hash: 'sha512' } }],
    ['agrees with us on a false digest', false, { info: { imprint: Buffer.alloc(32) } }],
    ['agrees with us on a false signature', false, { tamper: (value) => value.fill(1) }],
  ])('%s', (_name, isGood, options) => {
    const ours = createTsa({ intermediates: 1 });
    const token = ours.stamp(MESSAGE, options);
    expect(tsa.verify(token, MESSAGE, ours.root.pem)).toBe(isGood);
    const verify = (): unknown => verifyTimestamp(token, MESSAGE, trusting(ours.root));
    if (isGood) expect(verify()).toMatchObject({ time: STAMP_TIME });
    else expect(verify).toThrow();
  });
});

describe('our authority over HTTP', () => {
  it('answers what openssl asks', async () => {
    const openssl = createOpensslTsa(['rsa:2048']);
    const tsa = createTsa();
    const server = await startTsaServer({ tsa });
    const ask = async (query: Uint8Array): Promise<Buffer> => {
      const headers = { 'content-type': 'application/timestamp-query' };
      const body = Buffer.from(query);
      const response = await fetch(server.url, { method: 'POST', body, headers });
      expect(response.headers.get('content-type')).toBe('application/timestamp-reply');
      return Buffer.from(await response.arrayBuffer());
    };
    try {
      const reply = await ask(openssl.query(MESSAGE));
      expect(openssl.verifyReply(reply, tsa.root.pem)).toBe(true);
      openssl.query(MESSAGE); // another nonce
      expect(openssl.verifyReply(reply, tsa.root.pem)).toBe(false);
    } finally {
      await server.close();
      openssl.close();
    }
  });
});

describe('a token by pkijs', () => {
  const time = new Date('2026-01-02T03:04:05.678Z');

  it.each<[KeyType, PkijsTokenOptions['algorithm'], PkijsTokenOptions['hash']]>([
    ['rsa-2048', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, 'SHA-256'],
    ['rsa-2048', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' }, 'SHA-512'],
    ['rsa-3072', { name: 'RSA-PSS', hash: 'SHA-384' }, 'SHA-384'],
    ['p256', { name: 'ECDSA', namedCurve: 'P-256' }, 'SHA-256'],
    ['p521', { name: 'ECDSA', namedCurve: 'P-521' }, 'SHA-512'],
  ])('with %s by %o and %s passes', async (signerKey, algorithm, hash) => {
    const tsa = createTsa({ name: 'pkijs', signerKey });
    const token = await stampWithPkijs(tsa.signer, MESSAGE, { algorithm, hash, time });
    const found = verifyTimestamp(token, MESSAGE, trusting(tsa.root));
    expect(found).toMatchObject({ time, accuracyMs: 2003.004 });
    expect(found.chain).toHaveLength(2);
    expectCode(
      () => verifyTimestamp(token, Buffer.from('x'), trusting(tsa.root)),
      'timestamp_mismatch',
    );
  });

  it('in BER is refused', async () => {
    const tsa = createTsa({ name: 'pkijs' });
    const token = await stampWithPkijs(tsa.signer, MESSAGE, {
      algorithm: { name: 'ECDSA', namedCurve: 'P-256' },
      hash: 'SHA-256',
      time,
      inPieces: true,
    });
    expectCode(() => verifyTimestamp(token, MESSAGE, trusting(tsa.root)), 'timestamp_invalid');
  });
});
