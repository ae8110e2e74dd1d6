// Envelopes are verified once, and what failed each time.
import { describe, expect, it } from 'vitest';
import { VerifiedEnvelopes } from '../../agent/verifier/verified-envelopes.ts';
import { signatureOf } from '../notation/verification/fixture.ts';
import { expectCode } from '../support/expect-code.ts';

describe('VerifiedEnvelopes', () => {
  it('gives what an envelope holds, and the same without verifying it again', () => {
    const envelopes = new VerifiedEnvelopes();
    const signature = signatureOf();
    const verified = envelopes.verify(signature);
    expect(verified.chain[0].subject.text).toBe('CN=leaf,O=Example,ST=WA,C=US');
    expect(envelopes.verify(signature)).toBe(verified);
  });

  it('takes another object with equal bytes for another envelope', () => {
    const envelopes = new VerifiedEnvelopes();
    const signature = signatureOf();
    const verified = envelopes.verify(signature);
    expect(envelopes.verify({ ...signature })).not.toBe(verified);
  });

  it('remembers no failure, and forgets what was used longest ago', () => {
    const envelopes = new VerifiedEnvelopes(16);
    const good = signatureOf();
    const bad = { ...good, envelope: good.envelope.subarray(0, -1) };
    for (let time = 0; time < 2; time++)
      expectCode(() => envelopes.verify(bad), 'envelope_invalid');
    const first = envelopes.verify(good);
    const others = Array.from({ length: 16 }, () => ({ ...good }));
    for (const other of others.slice(1)) envelopes.verify(other);
    expect(envelopes.verify(good)).toBe(first);
    for (const other of others) envelopes.verify(other);
    expect(envelopes.verify(good)).not.toBe(first);
  });
});
