// What was good last is tried first, is judged anew, and is not remembered for ever.
import { describe, expect, it } from 'vitest';
import { GoodSignatures } from '../../agent/verifier/good-signatures.ts';
import { SignatureCache } from '../../agent/verifier/signature-cache.ts';
import { VerifiedEnvelopes } from '../../agent/verifier/verified-envelopes.ts';
import { type Asked, NOW, openBench, otherCa, trustIn } from './fixture.ts';

const HOUR_MS = 60 * 60 * 1000;

/** An image with a signature that expires after `validMs`, and was good once. */
async function openSigned(validMs = 2 * HOUR_MS) {
  const bench = await openBench();
  bench.sign({ expiry: new Date(NOW.getTime() + validMs) });
  const signatures = new SignatureCache();
  const remembering = {
    signatures,
    goodSignatures: new GoodSignatures(signatures),
    envelopes: new VerifiedEnvelopes(),
  };
  const decide = (asked: Asked = {}) =>
    bench.decide({ ...asked, parts: { ...remembering, ...asked.parts } });
  expect(await decide()).toBe('allow verified');
  bench.registry.requests.length = 0;
  return { bench, decide };
}

function at(ms: number): Asked {
  return { parts: { clock: { now: () => new Date(NOW.getTime() + ms) } } };
}

describe('an image that was allowed', () => {
  it('is allowed again without a request', async () => {
    const { bench, decide } = await openSigned();
    bench.answerWith(503);
    expect(await decide()).toBe('allow verified');
    expect(bench.registry.requests).toEqual([]);
  });

  it('is looked up again when another policy or trust is against its signature', async () => {
    const { bench, decide } = await openSigned();
    const identities = { statement: { trustedIdentities: ['x509.subject: CN=somebody else'] } };
    expect(await decide(identities)).toBe('deny identity_untrusted');
    const trust = trustIn({ 'ca:acme': otherCa.root });
    expect(await decide({ parts: { trust } })).toBe('deny certificate_untrusted');
    expect(bench.registry.requests.length).toBeGreaterThan(0);
  });

  it('is looked up again when its signature has expired, and allowed by another', async () => {
    const { bench, decide } = await openSigned(HOUR_MS / 2);
    expect(await decide(at(HOUR_MS / 2))).toBe('deny signature_expired');
    bench.sign();
    expect(await decide(at(HOUR_MS / 2))).toBe('allow verified');
  });

  it('is looked up again after an hour, when its signature may have been taken away', async () => {
    const { bench, decide } = await openSigned();
    bench.answerWith(404);
    expect(await decide(at(HOUR_MS - 1))).toBe('allow verified');
    expect(await decide(at(HOUR_MS))).toBe('deny signature_missing');
  });

  it('is no reason to allow another image, nor the same one elsewhere', async () => {
    const { bench, decide } = await openSigned();
    const other = bench.registry.pushImage('team/app', 'other', 'other content');
    const image = { name: `${bench.repository}:other`, descriptor: other };
    expect(await decide({ image })).toBe('deny signature_missing');
  });
});
