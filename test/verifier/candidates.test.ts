// In which order signatures are looked at, how many are fetched at a time, and what is left over.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { JWS_MEDIA_TYPE } from '../../agent/notation/signature/envelope.ts';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import type { Digest } from '../../agent/oci/digest.ts';
import type { RegistryClient } from '../../agent/verifier/registry/client.ts';
import { SignatureCache } from '../../agent/verifier/signature-cache.ts';
import { signEnvelope } from '../support/sign-envelope.ts';
import { type Bench, ca, leaf, openBench, otherCa, PAST, REPOSITORY } from './fixture.ts';

type FetchManifest = RegistryClient['fetchManifest'];

/** The bench's client, in which fetching a manifest waits for what `before` gives. */
function waiting(bench: Bench, before: (digest: Digest) => Promise<unknown>): RegistryClient {
  const fetchManifest: FetchManifest = async (repository, descriptor, signal) => {
    await before(descriptor.digest);
    return bench.client().fetchManifest(repository, descriptor, signal);
  };
  return bench.client({ fetchManifest });
}

/** Signatures that differ, of which none is good. */
function signBadly(bench: Bench, count: number): void {
  for (let index = 0; index < count; index++) {
    bench.sign({ expiry: PAST, signingAgent: `agent ${index}` });
  }
}

/** Attaches a signature that claims to be made under the trusted root. */
function signWithHint(bench: Bench, signer = leaf): Descriptor {
  const envelope = signEnvelope({ format: 'jws', signer, target: bench.image });
  const thumbprint = createHash('sha256').update(ca.root.der).digest('hex');
  const annotations = { 'io.cncf.notary.x509chain.thumbprint#S256': JSON.stringify([thumbprint]) };
  return bench.registry.attachSignature(REPOSITORY, bench.image, envelope, JWS_MEDIA_TYPE, {
    annotations,
  });
}

/** Requests for a manifest or blob so far. */
function fetches({ registry }: Bench): number {
  return registry.requests.filter(({ path }) => /manifests\/sha256|blobs\//.test(path)).length;
}

describe('signatures', () => {
  it('are looked at in their order, whichever comes first', async () => {
    const bench = await openBench();
    const expired = bench.sign({ expiry: PAST });
    const first = bench.sign();
    const second = bench.sign({ signingAgent: 'another' });
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const slow = waiting(bench, (digest) =>
      digest === first.digest ? promise : Promise.resolve(),
    );
    const registry: RegistryClient = {
      ...slow,
      fetchBlob: async (...call) => {
        const bytes = await slow.fetchBlob(...call);
        // The second good one is whole before the first is even asked for.
        if (fetches(bench) >= 4) resolve(undefined);
        return bytes;
      },
    };
    const verdict = await bench.verify({ parts: { registry } });
    expect(verdict).toMatchObject({ decision: 'allow', signature: first.digest });
    expect(verdict.signature).not.toBe(second.digest);
    expect(verdict.skippedSignatures).toEqual({
      count: 1,
      first: [
        {
          signature: expired.digest,
          code: 'signature_expired',
          message: expect.stringContaining(
            'signature: expected one that has not expired',
          ) as string,
        },
      ],
    });
  });

  it('are fetched several at a time, and never more than that', async () => {
    const bench = await openBench();
    signBadly(bench, 11);
    let [now, most] = [0, 0];
    const registry = bench.client({
      fetchManifest: async (...call) => {
        most = Math.max(most, ++now);
        const bytes = await bench.client().fetchManifest(...call);
        now--;
        return bytes;
      },
    });
    expect(await bench.decide({ parts: { registry } })).toBe('deny signature_expired');
    expect(most).toBe(4);
    most = 0;
    await bench.decide({ parts: { registry, limits: { concurrent: 1 } } });
    expect(most).toBe(1);
  });

  it('under way are broken off once one is good, and nothing of them is left', async () => {
    const bench = await openBench();
    const good = bench.sign();
    signBadly(bench, 3);
    const broken: Promise<unknown>[] = [];
    const { promise: asked, resolve } = Promise.withResolvers<unknown>();
    bench.registry.intercept = ({ path }, response) => {
      if (!path.includes('manifests/sha256') || path.includes(good.digest)) return false;
      broken.push(new Promise((closed) => response.once('close', closed)));
      if (broken.length === 3) resolve(undefined);
      return true;
    };
    // The good one is there only when all others are being waited for.
    const registry = waiting(bench, (digest) =>
      digest === good.digest ? asked : Promise.resolve(),
    );
    const verdict = await bench.verify({ parts: { registry } });
    expect(verdict).toMatchObject({ signature: good.digest, skippedSignatures: { count: 0 } });
    await Promise.all(broken);
    bench.registry.intercept = undefined;
    expect(await bench.decide()).toBe('allow verified');
  });

  it('that were fetched before cost no request, nor do those behind a good one', async () => {
    const bench = await openBench();
    signBadly(bench, 1);
    const parts = { signatures: new SignatureCache() };
    expect(await bench.decide({ parts })).toBe('deny signature_expired');
    bench.sign();
    expect(await bench.decide({ parts })).toBe('allow verified');
    signBadly(bench, 6);
    const before = fetches(bench);
    expect(await bench.decide({ parts })).toBe('allow verified');
    expect(fetches(bench)).toBe(before);
  });

  it('made under a certificate that is trusted are looked at first, and the first of them alone, by what they say', async () => {
    const bench = await openBench();
    signBadly(bench, 3);
    const { digest } = signWithHint(bench);
    const verdict = await bench.verify();
    expect(verdict).toMatchObject({ signature: digest, skippedSignatures: { count: 0 } });
    expect(fetches(bench)).toBe(2);
  });

  it('that only say so do not hide a good one that does not', async () => {
    const bench = await openBench();
    const { digest } = bench.sign();
    signWithHint(bench, otherCa.issue());
    const verdict = await bench.verify();
    expect(verdict).toMatchObject({ signature: digest, skippedSignatures: { count: 1 } });
  });
});
