// What was good once is known from disk for as long as it is good, and is believed nothing.
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../agent/errors.ts';
import type { Digest } from '../../agent/oci/digest.ts';
import { GoodSignatures } from '../../agent/verifier/good-signatures.ts';
import { SignatureCache } from '../../agent/verifier/signature-cache.ts';
import {
  type SignatureStore,
  type StoredSignature,
  StoredSignatures,
} from '../../agent/verifier/stored-signatures.ts';
import type { VerifierParts } from '../../agent/verifier/verifier.ts';
import { type Asked, ca, NOW, openBench, otherCa, revocationOf, trustIn } from './fixture.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** A store in memory that outlives what is known from pulls. */
class Shelf implements SignatureStore {
  readonly kept = new Map<string, StoredSignature>();
  broken = false;

  get(repository: string, image: Digest): StoredSignature | undefined {
    if (this.broken) throw new AgentError('ledger_failed', 'the disk is gone');
    return this.kept.get(`${repository}@${image}`);
  }

  put(repository: string, image: Digest, signature: StoredSignature): void {
    this.kept.set(`${repository}@${image}`, signature);
  }

  forget(repository: string, image: Digest): void {
    this.kept.delete(`${repository}@${image}`);
  }

  has(repository: string, image: Digest, signature: Digest): boolean {
    return this.get(repository, image)?.digest === signature;
  }

  get only(): StoredSignature {
    const [only] = this.kept.values();
    if (only === undefined) throw new TypeError('nothing is kept');
    return only;
  }

  /** Makes the one that is kept another. */
  change(change: (kept: StoredSignature) => Partial<StoredSignature>): void {
    for (const [key, kept] of this.kept) this.kept.set(key, { ...kept, ...change(kept) });
  }
}

/** An image that was allowed by a signature from the registry, which is not asked since. */
async function openAllowed(
  signing: Parameters<Awaited<ReturnType<typeof openBench>>['sign']>[0] = {},
) {
  const bench = await openBench();
  const shelf = new Shelf();
  const faults: AgentError[] = [];
  const signed = bench.sign(signing);
  /** As after a restart: nothing is known but what is kept. */
  const parts = () => ({
    goodSignatures: new StoredSignatures(new GoodSignatures(new SignatureCache()), shelf, (fault) =>
      faults.push(fault),
    ),
  });
  const decide = (asked: Asked = {}) =>
    bench.decide({ ...asked, parts: { ...parts(), ...asked.parts } });
  const recall = async (asked: Asked = {}) => {
    const found = await bench.recall({ ...asked, parts: { ...parts(), ...asked.parts } });
    if (found === null) return 'unknown';
    const { verdict, isFinal } = found;
    return `${verdict.decision} ${verdict.reason}${isFinal ? '' : ', ask the registry'}`;
  };
  expect(await recall({ parts: evidenceOf('good') })).toBe('unknown');
  expect(await decide({ parts: evidenceOf('good') })).toBe('allow verified');
  bench.registry.requests.length = 0;
  return { bench, shelf, faults, signed, decide, recall };
}

function at(ms: number): Partial<VerifierParts> {
  return { clock: { now: () => new Date(NOW.getTime() + ms) } };
}

function evidenceOf(kind: 'good' | 'revoked'): Partial<VerifierParts> {
  return { evidence: revocationOf({ kind, source: 'ocsp', at: NOW }) };
}

describe('a signature that was good', () => {
  it('is known after a restart, weeks later, and while the registry is down', async () => {
    const { bench, decide, recall } = await openAllowed();
    bench.answerWith(503);
    expect(await recall({ parts: at(30 * DAY_MS) })).toBe('allow verified');
    expect(await decide({ parts: at(30 * DAY_MS) })).toBe('allow verified');
    expect(bench.registry.requests).toEqual([]);
  });

  it('is refused without a request where policy or trust are against it', async () => {
    const { bench, recall } = await openAllowed();
    const statement = { trustedIdentities: ['x509.subject: CN=somebody else'] };
    expect(await recall({ statement })).toBe('deny identity_untrusted, ask the registry');
    const trust = trustIn({ 'ca:acme': otherCa.root });
    const untrusted = 'deny certificate_untrusted, ask the registry';
    expect(await recall({ parts: { trust } })).toBe(untrusted);
    expect(bench.registry.requests).toEqual([]);
  });

  it('is refused once it has expired, and no sooner', async () => {
    const { recall } = await openAllowed({ expiry: new Date(NOW.getTime() + DAY_MS) });
    expect(await recall({ parts: at(DAY_MS - 1) })).toBe('allow verified');
    expect(await recall({ parts: at(DAY_MS) })).toBe('deny signature_expired, ask the registry');
  });

  it('makes no image good once its certificate is revoked', async () => {
    const signer = ca.issue({ ocspUrl: 'http://ocsp.example' });
    const { bench, decide, recall } = await openAllowed({ signer });
    expect(await recall({ parts: evidenceOf('good') })).toBe('allow verified');
    const revoked = { parts: evidenceOf('revoked') };
    expect(await recall(revoked)).toBe('deny certificate_revoked, ask the registry');
    expect(bench.registry.requests).toEqual([]);
    expect(await decide(revoked)).toBe('deny certificate_revoked');
  });

  it('gives way to another that the registry has', async () => {
    const { bench, shelf, signed, decide, recall } = await openAllowed();
    const trust = trustIn({ 'ca:acme': otherCa.root });
    const other = bench.sign({ signer: otherCa.issue() });
    expect(await decide({ parts: { trust } })).toBe('allow verified');
    expect(shelf.only.digest).toBe(other.digest);
    expect(await recall({ parts: { trust } })).toBe('allow verified');
    expect(await recall()).toBe('deny certificate_untrusted, ask the registry');
    expect(signed.digest).not.toBe(other.digest);
  });

  it('is not asked for where the policy alone decides', async () => {
    const { recall } = await openAllowed();
    const skip = {
      signatureVerification: { level: 'skip' },
      trustStores: [],
      trustedIdentities: [],
    };
    expect(await recall({ statement: skip })).toBe('allow skipped_by_policy');
    const elsewhere = { registryScopes: ['elsewhere.example/app'] };
    expect(await recall({ statement: elsewhere })).toBe('deny policy_not_applicable');
  });

  it('is of no use to another image, nor to the same one elsewhere', async () => {
    const { bench, shelf, recall } = await openAllowed();
    const other = bench.registry.pushImage('team/app', 'other', 'other content');
    const image = { name: `${bench.repository}:other`, descriptor: other };
    expect(await recall({ image })).toBe('unknown');
    shelf.put(bench.repository, other.digest, shelf.only);
    expect(await recall({ image })).toBe('unknown');
  });
});

describe('a store', () => {
  const changed = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.from(' ')]);

  it.each<[string, (kept: StoredSignature) => Partial<StoredSignature>]>([
    ['manifest', ({ manifest }) => ({ manifest: changed(manifest) })],
    ['envelope', ({ envelope }) => ({ envelope: changed(envelope) })],
    ['digest', () => ({ digest: `sha256:${'0'.repeat(64)}` })],
  ])('in which a %s was changed is not believed, and asked for it no more', async (_, change) => {
    const { bench, shelf, faults, decide, recall } = await openAllowed();
    shelf.change(change);
    expect(await recall()).toBe('unknown');
    expect(faults.map(({ code }) => code)).toEqual(['content_mismatch']);
    expect(shelf.kept.size).toBe(0);
    expect(await decide()).toBe('allow verified');
    expect(bench.registry.requests.length).toBeGreaterThan(0);
  });

  it('that says another media type of a manifest is not believed', async () => {
    const { shelf, faults, recall } = await openAllowed();
    shelf.change(() => ({ manifestType: 'application/vnd.oci.image.index.v1+json' }));
    expect(await recall()).toBe('unknown');
    expect(faults.map(({ code }) => code)).toEqual(['manifest_invalid']);
  });

  it('that fails is no reason against an image', async () => {
    const { shelf, faults, decide } = await openAllowed();
    shelf.broken = true;
    expect(await decide()).toBe('allow verified');
    expect(new Set(faults.map(({ code }) => code))).toEqual(new Set(['ledger_failed']));
  });
});
