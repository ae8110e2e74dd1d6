// Hostile tokens at random: any bytes give a value or our error, and no change to what was signed is ever let through.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import { DerReader } from '../../../agent/notation/encoding/der.ts';
import { parseSignerInfo } from '../../../agent/notation/timestamp/signer-info.ts';
import {
  type VerifiedTimestamp,
  verifyTimestamp,
} from '../../../agent/notation/timestamp/timestamp.ts';
import { parseTimestampToken } from '../../../agent/notation/timestamp/token.ts';
import { parseTstInfo } from '../../../agent/notation/timestamp/tst-info.ts';
import { der } from '../../support/der.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { tstInfo } from '../../support/tsa-info.ts';
import { MESSAGE, trusting, TSA } from './fixture.ts';

const signedParts: Buffer[] = [tstInfo(MESSAGE), TSA.signer.der, TSA.issuer.der];
const TOKEN = TSA.stamp(MESSAGE, {
  signingTime: new Date('2026-01-02T03:04:05Z'),
  certificates: TSA.signer.chain,
  editAttributes: (attributes) => {
    signedParts.push(Buffer.concat(attributes));
    return attributes;
  },
  tamper: (signature) => {
    signedParts.push(signature);
    return signature;
  },
});
const TRUSTED = trusting(TSA.root);
const verify = (token: Uint8Array): VerifiedTimestamp => verifyTimestamp(token, MESSAGE, TRUSTED);
const GOOD = verify(TOKEN);

/** Where the bytes stand that a signature covers, or that are a signature. */
const SIGNED_OFFSETS = signedParts.flatMap((part) => {
  const start = TOKEN.indexOf(part);
  if (start < 0) throw new TypeError('a part of the token is not in it');
  return Array.from(part, (_, index) => start + index);
});

const anyOffset = fc.nat(TOKEN.length - 1);
const chunk = fc.uint8Array({ maxLength: 4 });
/** The token with some bytes in the middle replaced by others: changed, inserted or removed. */
const mutated = fc
  .tuple(anyOffset, fc.nat(4), chunk)
  .map(([at, removed, inserted]) =>
    Buffer.concat([TOKEN.subarray(0, at), inserted, TOKEN.subarray(at + removed)]),
  );

describe('a token of any bytes', () => {
  it.each([
    ['a token', (bytes: Uint8Array): unknown => parseTimestampToken(bytes)],
    ['a TSTInfo', (bytes: Uint8Array): unknown => parseTstInfo(bytes)],
    [
      'a signer',
      (content: Uint8Array): unknown =>
        parseSignerInfo(new DerReader(der(0x30, content), '', 'internal').readAny('signer')),
    ],
  ] as const)('is read as %s or refused by our error', (_, parse) => {
    const nested = fc
      .tuple(fc.constantFrom(0x02, 0x04, 0x06, 0x30, 0x31, 0xa0), fc.uint8Array())
      .map(([tag, content]) => der(tag, content));
    const slice = fc.tuple(anyOffset, anyOffset).map(([a, b]) => TOKEN.subarray(a, b));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), nested, slice, mutated), (bytes) => {
        valueOrAgentError(() => parse(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a token that was changed', () => {
  it('is refused, or says the same as before', () => {
    fc.assert(
      fc.property(mutated, (token) => {
        const found = valueOrAgentError(() => verify(token));
        if (found instanceof AgentError) return;
        expect({ time: found.time, accuracyMs: found.accuracyMs }).toEqual({
          time: GOOD.time,
          accuracyMs: GOOD.accuracyMs,
        });
        expect(found.chain.map(({ raw }) => Buffer.from(raw))).toEqual(TSA.signer.chain);
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused if the change is to a byte that was signed', () => {
    const offset = fc.constantFrom(...SIGNED_OFFSETS);
    fc.assert(
      fc.property(offset, fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const token = Buffer.from(TOKEN);
        token[at] = (token[at] ?? 0) ^ mask;
        expect(() => verify(token)).toThrow(AgentError);
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused if two signed parts of tokens are exchanged', () => {
    const other = TSA.stamp(MESSAGE, { info: { time: '20260102030407Z' } });
    const [content = Buffer.alloc(0)] = signedParts;
    const changed = tstInfo(MESSAGE, { time: '20260102030407Z' });
    expect(changed).toHaveLength(content.length);
    const at = TOKEN.indexOf(content);
    const token = Buffer.concat([
      TOKEN.subarray(0, at),
      changed,
      TOKEN.subarray(at + content.length),
    ]);
    expect(verify(other).time.toISOString()).toBe('2026-01-02T03:04:07.000Z');
    expect(() => verify(token)).toThrow(AgentError);
  });
});
