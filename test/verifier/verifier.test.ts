// The verdict: what it is made from, what it says, and what stands in its way outside.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AgentError, type ErrorCode } from '../../agent/errors.ts';
import { VALIDATION_TYPES, parseVerdict } from '../../agent/notation/verification/verdict.ts';
import { parseDigest } from '../../agent/oci/digest.ts';
import { parseTrustPolicy } from '../../agent/notation/trustpolicy/document.ts';
import type { CreateTransport } from '../../agent/verifier/registry/http.ts';
import { createPooledTransport } from '../../agent/verifier/registry/pooled-transport.ts';
import { documentOf, skipStatement, statement } from '../support/trust-policy.ts';
import {
  type Bench,
  ca,
  NOW,
  openBench,
  otherCa,
  policyOf,
  REPOSITORY,
  trustIn,
} from './fixture.ts';

const OTHER_DIGEST = parseDigest(`sha256:${'0'.repeat(64)}`);

function refuses(code: ErrorCode): () => Promise<never> {
  return () => Promise.reject(new AgentError(code, `because of ${code}`));
}

async function openSigned(): Promise<Bench> {
  const bench = await openBench();
  bench.sign();
  return bench;
}

describe('a verdict', () => {
  it('says what was decided, from what, when and how long it took', async () => {
    const bench = await openBench();
    const { digest } = bench.sign();
    const { durationMs, results, ...verdict } = await bench.verify();
    const policy = documentOf([
      statement({ registryScopes: [bench.repository], trustedIdentities: ['*'] }),
    ]);
    const fingerprint = createHash('sha256').update(ca.root.der).digest('hex');
    expect(verdict).toEqual({
      decision: 'allow',
      reason: 'verified',
      message: 'signed by CN=leaf,O=Example,ST=WA,C=US',
      inconclusive: false,
      repository: bench.repository,
      digest: bench.image.digest,
      policy: 'acme',
      level: 'strict',
      signature: digest,
      signer: 'CN=leaf,O=Example,ST=WA,C=US',
      skippedSignatures: { count: 0, first: [] },
      policyHash: createHash('sha256').update(policy).digest('hex'),
      trustHash: createHash('sha256').update(`ca:acme ${fingerprint}\n`).digest('hex'),
      validUntil: '2044-01-01T00:00:00.001Z',
      time: NOW.toISOString(),
    });
    expect(results.map(({ type }) => type)).toEqual(VALIDATION_TYPES);
    expect(durationMs).toBeGreaterThanOrEqual(0);
  });

  it('has asked the registry when it reads trust stores', async () => {
    const order: string[] = [];
    const createTransport: CreateTransport = (options) => {
      const transport = createPooledTransport(options);
      return {
        send: (request, signal) => {
          order.push(request.operation);
          return transport.send(request, signal);
        },
        close: () => transport.close(),
      };
    };
    const bench = await openBench({ client: { createTransport } });
    bench.sign();
    const trusted = trustIn({ 'ca:acme': ca.root });
    const trust: typeof trusted = (names) => {
      order.push('trust');
      return trusted(names);
    };
    expect(await bench.decide({ parts: { trust } })).toBe('allow verified');
    expect(order.slice(0, 2)).toEqual(['referrers', 'trust']);
  });

  it('goes through JSON unharmed, allow or deny', async () => {
    const bench = await openSigned();
    const verdicts = [
      await bench.verify(),
      await bench.verify({ parts: { trust: trustIn({ 'ca:acme': otherCa.root }) } }),
      await bench.verify({ parts: { policy: refuses('policy_missing') } }),
    ];
    expect(verdicts.map(({ decision }) => decision)).toEqual(['allow', 'deny', 'deny']);
    for (const verdict of verdicts) {
      expect(parseVerdict(JSON.parse(JSON.stringify(verdict)))).toEqual(verdict);
    }
  });

  it('takes validity from the clock that it is given', async () => {
    const bench = await openBench();
    bench.sign({ expiry: NOW });
    const at = (ms: number) =>
      bench.decide({ parts: { clock: { now: () => new Date(NOW.getTime() + ms) } } });
    expect(await at(-1)).toBe('allow verified');
    expect(await at(0)).toBe('deny signature_expired');
  });

  it('is no verdict when nodeseal itself is at fault', async () => {
    const bench = await openSigned();
    const fault = () => Promise.reject(new TypeError('a fault'));
    await expect(bench.verify({ parts: { policy: fault } })).rejects.toThrow('a fault');
    await expect(bench.verify({ parts: { trust: fault } })).rejects.toThrow('a fault');
  });
});

describe('the policy', () => {
  it.each(['policy_missing', 'policy_invalid'] as const)(
    'that is not there or not usable denies: %s',
    async (code) => {
      const bench = await openSigned();
      expect(await bench.verify({ parts: { policy: refuses(code) } })).toMatchObject({
        decision: 'deny',
        reason: code,
        inconclusive: false,
        message: `because of ${code}`,
        repository: bench.repository,
        digest: bench.image.digest,
        policy: null,
        policyHash: null,
        trustHash: null,
      });
      expect(bench.registry.requests).toEqual([]);
    },
  );

  it('that does not cover the repository denies, and no registry is asked', async () => {
    const bench = await openSigned();
    const policy = policyOf(`${bench.repository}/more`);
    const verdict = await bench.verify({ parts: { policy } });
    expect(verdict).toMatchObject({ reason: 'policy_not_applicable', policy: null });
    expect(verdict.policyHash).toMatch(/^[0-9a-f]{64}$/);
    expect(bench.registry.requests).toEqual([]);
  });

  it('of level skip allows without a request to the registry or a look at trust', async () => {
    const bench = await openBench();
    const skip = skipStatement({ registryScopes: [bench.repository] });
    const parts = {
      policy: () => Promise.resolve(parseTrustPolicy(documentOf([skip]))),
      trust: refuses('truststore_missing'),
      registry: Promise.reject(new AgentError('internal', 'no registry')),
    };
    parts.registry.catch(() => undefined);
    expect(await bench.verify({ parts })).toMatchObject({
      decision: 'allow',
      reason: 'skipped_by_policy',
      policy: 'unsigned',
      digest: bench.image.digest,
      signature: null,
      trustHash: null,
      results: [],
    });
    expect(bench.registry.requests).toEqual([]);
  });
});

describe('trust stores that cannot be loaded', () => {
  it('deny where authenticity is enforced, and are logged where it is', async () => {
    const bench = await openSigned();
    const parts = { trust: refuses('truststore_missing') };
    const at = (level: string) =>
      bench.verify({ parts, statement: { signatureVerification: { level } } });
    expect(await at('strict')).toMatchObject({
      decision: 'deny',
      reason: 'truststore_missing',
      trustHash: null,
    });
    expect((await at('permissive')).reason).toBe('truststore_missing');
    expect(await at('audit')).toMatchObject({ decision: 'allow', reason: 'failure_logged' });
  });

  it('do not make a signature of an image that has none', async () => {
    const bench = await openBench();
    const parts = { trust: refuses('truststore_invalid') };
    const statement = { signatureVerification: { level: 'audit' } };
    expect(await bench.decide({ parts, statement })).toBe('deny signature_missing');
  });
});

describe('the name of an image', () => {
  it('is resolved when there is no descriptor', async () => {
    const bench = await openSigned();
    for (const suffix of [':latest', `@${bench.image.digest}`, `:gone@${bench.image.digest}`]) {
      const image = { name: bench.repository + suffix };
      const verdict = await bench.verify({ image });
      expect(verdict).toMatchObject({ reason: 'verified', digest: bench.image.digest });
    }
  });

  it('gives its tag no say when there is a descriptor: the tag may have moved since', async () => {
    const bench = await openSigned();
    bench.registry.pushImage(REPOSITORY, 'latest', 'somebody moved the tag');
    const name = `${bench.repository}:latest`;
    expect(await bench.decide({ image: { name } })).toBe('deny signature_missing');
    const pulled = await bench.verify({ image: { name, descriptor: bench.image } });
    expect(pulled).toMatchObject({ reason: 'verified', digest: bench.image.digest });
  });

  it('does not hold a descriptor of another digest than it names', async () => {
    const bench = await openSigned();
    const decide = (digest: string) =>
      bench.decide({ image: { name: `${bench.repository}@${digest}`, descriptor: bench.image } });
    expect(await decide(bench.image.digest)).toBe('allow verified');
    expect(await decide(OTHER_DIGEST)).toBe('deny content_mismatch');
  });

  it('holds for an image of which the descriptor tells another size or media type', async () => {
    const bench = await openSigned();
    const name = bench.repository;
    const decide = (change: object) =>
      bench.decide({ image: { name, descriptor: { ...bench.image, ...change } } });
    expect(await decide({})).toBe('allow verified');
    expect(await decide({ size: bench.image.size + 1 })).toBe('deny descriptor_mismatch');
    expect(await decide({ mediaType: 'text/plain' })).toBe('deny descriptor_mismatch');
  });

  it('that does not exist denies, with the digest that it named', async () => {
    const bench = await openSigned();
    const verify = (suffix: string) => bench.verify({ image: { name: bench.repository + suffix } });
    expect(await verify(':gone')).toMatchObject({ reason: 'registry_not_found', digest: null });
    expect(await verify(`@${OTHER_DIGEST}`)).toMatchObject({
      reason: 'registry_not_found',
      digest: OTHER_DIGEST,
    });
  });

  it.each([
    ['busybox', 'reference_invalid'],
    ['example.io/App', 'reference_invalid'],
    ['', 'reference_invalid'],
    ['example.io/app@sha256:short', 'digest_invalid'],
  ])('%j that is no reference denies: %s', async (name, reason) => {
    const bench = await openBench();
    const image = { name, descriptor: bench.image };
    expect(await bench.verify({ image })).toMatchObject({ decision: 'deny', reason, policy: null });
    expect(bench.registry.requests).toEqual([]);
  });

  it('without tag, digest or descriptor denies', async () => {
    const bench = await openSigned();
    const image = { name: bench.repository };
    expect(await bench.decide({ image })).toBe('deny reference_invalid');
  });
});
