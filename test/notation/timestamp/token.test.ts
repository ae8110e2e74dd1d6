// The structure of tokens: each rule with a token that keeps it and the same with that one thing broken.
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import { verifyTimestamp } from '../../../agent/notation/timestamp/timestamp.ts';
import {
  MAX_TOKEN_BYTES,
  MAX_TOKEN_CERTIFICATES,
  MAX_TOKEN_SIGNERS,
} from '../../../agent/notation/timestamp/token.ts';
import { createCa } from '../../support/ca.ts';
import { explicit, integer, nullValue, octetString, sequence } from '../../support/der.ts';
import { withSomethingMore } from '../../support/der-variants.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { STAMP_TIME, tstInfo } from '../../support/tsa-info.ts';
import { createTsa, type SignerOptions, type TokenOptions } from '../../support/tsa.ts';
import { MESSAGE, trusting, TSA, verifyStamp } from './fixture.ts';

const NOTHING = Buffer.alloc(0);
const refuse = (options: TokenOptions): string =>
  expectCode(() => verifyStamp(options), 'timestamp_invalid').message;

describe('a token', () => {
  it('gives the time, how accurate it is, and the chain of the authority to its root', () => {
    const { time, accuracyMs, chain } = verifyStamp();
    expect({ time, accuracyMs }).toEqual({ time: STAMP_TIME, accuracyMs: 1000 });
    expect(chain.map(({ raw }) => Buffer.from(raw))).toEqual(TSA.signer.chain);
  });

  it.each<[string, TokenOptions]>([
    ['with the whole chain', { certificates: TSA.signer.chain }],
    ['with its certificates in another order', { certificates: TSA.signer.chain.toReversed() }],
    ['with certificates of others', { certificates: [createCa().root.der, ...TSA.signer.chain] }],
    ['with revocation lists', { revocationLists: explicit(1, sequence()) }],
  ])('%s is accepted', (_, options) => {
    expect(verifyStamp(options).chain).toHaveLength(3);
  });

  it.each<[string, TokenOptions, string]>([
    ['is not signed data', { contentInfoType: '1.2.840.113549.1.7.1' }, 'content type'],
    ['holds other content', { contentType: '1.2.840.113549.1.7.1' }, 'encapsulated content type'],
    ['is of version 1', { signedDataVersion: 1 }, 'version 3'],
    ['is of version 4', { signedDataVersion: 4 }, 'version 3'],
    ['has no signer', { signers: [] }, 'expected a signer, found none'],
    ['has no certificates', { certificates: null }, 'certificate of its signer'],
    ['lacks the certificate of its signer', { certificates: TSA.signer.chain.slice(1) }, 'signer'],
    ['holds a certificate of another kind', { certificates: [explicit(1, sequence())] }, '0xa1'],
    ['holds no TSTInfo', { content: NOTHING }, 'TSTInfo'],
    ['holds more than a TSTInfo', { info: { trailer: nullValue() } }, 'nothing more'],
  ])('that %s is refused', (_, options, message) => {
    expect(refuse(options)).toContain(message);
  });

  it('that holds a malformed certificate is refused', () => {
    const certificates = [...TSA.signer.chain, sequence(integer(1))];
    expectCode(() => verifyStamp({ certificates }), 'certificate_invalid');
  });

  it('that is missing is told from one that is empty', () => {
    const verify = (token?: Uint8Array): unknown =>
      verifyTimestamp(token, MESSAGE, trusting(TSA.root));
    expectCode(() => verify(), 'timestamp_missing');
    expectCode(() => verify(NOTHING), 'timestamp_invalid');
  });

  it('is over this signature and no other', () => {
    const token = TSA.stamp(MESSAGE);
    const other = Buffer.from('another signature');
    expectCode(() => verifyTimestamp(token, other, trusting(TSA.root)), 'timestamp_mismatch');
  });

  it.each([
    ['trailing bytes', (token: Buffer) => Buffer.concat([token, NOTHING, Buffer.of(0)])],
    ['a byte missing', (token: Buffer) => token.subarray(0, -1)],
    [
      'an indefinite length',
      (token: Buffer) => Buffer.concat([Buffer.of(0x30, 0x80), token.subarray(4), Buffer.of(0, 0)]),
    ],
    [
      'a length that is too long',
      (token: Buffer) => Buffer.concat([Buffer.of(0x30, 0x83, 0), token.subarray(2)]),
    ],
  ])('with %s is refused', (_, spoil) => {
    const token = spoil(TSA.stamp(MESSAGE));
    expectCode(() => verifyTimestamp(token, MESSAGE, trusting(TSA.root)), 'timestamp_invalid');
  });

  it('with content in pieces, as BER allows, is refused', () => {
    const token = TSA.stamp(MESSAGE);
    const wrapper = token.indexOf(octetString(tstInfo(MESSAGE)));
    expect(wrapper).toBeGreaterThan(0);
    token[wrapper] = 0x24;
    expectCode(() => verifyTimestamp(token, MESSAGE, trusting(TSA.root)), 'timestamp_invalid');
  });

  it('has at most so many bytes', () => {
    // Signatures by RSA are all of one length.
    const tsa = createTsa({ signerKey: 'rsa-2048' });
    const padded = (bytes: number): Buffer =>
      tsa.stamp(MESSAGE, { revocationLists: explicit(1, octetString(Buffer.alloc(bytes))) });
    const overhead = padded(MAX_TOKEN_BYTES / 2).length - MAX_TOKEN_BYTES / 2;
    const largest = padded(MAX_TOKEN_BYTES - overhead);
    expect(largest).toHaveLength(MAX_TOKEN_BYTES);
    expect(verifyTimestamp(largest, MESSAGE, trusting(tsa.root)).time).toEqual(STAMP_TIME);
    const tooLarge = padded(MAX_TOKEN_BYTES - overhead + 1);
    const error = expectCode(() => verifyTimestamp(tooLarge, MESSAGE, []), 'timestamp_invalid');
    expect(error.message).toContain(`at most ${MAX_TOKEN_BYTES} bytes`);
  });

  it('has nothing more in any place', () => {
    const token = TSA.stamp(MESSAGE);
    const accepted = withSomethingMore(token).filter((variant) => {
      const found = valueOrAgentError(() => verifyTimestamp(variant, MESSAGE, trusting(TSA.root)));
      return !(found instanceof AgentError);
    });
    // The set of digest algorithms and the one in it are not signed and decide nothing; and NULL for
    // the parameters of the signature algorithm is as good as none.
    expect(accepted).toHaveLength(3);
  });

  it('has at most so many certificates', () => {
    const certificates = Array<Buffer>(MAX_TOKEN_CERTIFICATES - 1).fill(
      TSA.signer.chain[1] ?? NOTHING,
    );
    expect(verifyStamp({ certificates: [...certificates, TSA.signer.der] }).chain).toHaveLength(3);
    expect(refuse({ certificates: [...certificates, TSA.signer.der, TSA.signer.der] })).toContain(
      `at most ${MAX_TOKEN_CERTIFICATES} certificates`,
    );
  });

  it('has at most so many signers', () => {
    const bad = Array<SignerOptions>(MAX_TOKEN_SIGNERS - 1).fill({ version: 3 });
    expect(verifyStamp({ signers: [...bad, {}] }).chain).toHaveLength(3);
    expect(refuse({ signers: [{}, ...bad, {}] })).toContain(`at most ${MAX_TOKEN_SIGNERS} signers`);
  });
});
