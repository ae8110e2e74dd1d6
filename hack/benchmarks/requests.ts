// Bench: how many requests a verdict takes of a registry with a token service, by what is known already.
import { createVerifiers } from '../../agent/commands/run/verifiers.ts';
import { parseTrustPolicy } from '../../agent/notation/trustpolicy/document.ts';
import { parseCertificate } from '../../agent/notation/x509/certificate.ts';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import { createEvidenceSources } from '../../agent/verifier/evidence-sources.ts';
import { createHostRegistryClient } from '../../agent/verifier/host-verifier.ts';
import { createPooledTransport } from '../../agent/verifier/registry/pooled-transport.ts';
import { trustHash } from '../../agent/verifier/truststore/trust-store.ts';
import { createCa } from '../../test/support/ca.ts';
import {
  startTestRegistry,
  TEST_CREDENTIAL,
  type TestRegistry,
  type TestRegistryOptions,
} from '../../test/support/registry.ts';
import { MEDIA_TYPES, signEnvelope } from '../../test/support/sign-envelope.ts';
import { documentOf, statement } from '../../test/support/trust-policy.ts';
import type { Benchmark, Measurement } from './measurement.ts';

const REPOSITORIES = 5;
const DEADLINE_MS = 10_000;

/** Counted, not timed: the numbers are the same on every machine. */
export const REQUESTS: Benchmark = {
  about:
    'requests for one signed image of a private registry, by a warm agent that was told the digest',
  run: async () => [
    ...(await measure('referrers API', { auth: 'bearer' }, [4, 3])),
    // A refusal tells who lets in, and not whether there is the API: who asks for one first, for the API
    // or for the tag, asks for both at a registry of the other kind. So it is five at one of the two:
    // 401, API, tag, manifest, envelope. We ask for the API first, as the specification has it.
    ...(await measure('tag schema', { auth: 'bearer', referrers: false }, [4, 3])),
  ],
};

async function measure(
  kind: string,
  options: TestRegistryOptions,
  [cold, second]: readonly [number, number],
): Promise<Measurement[]> {
  const registry = await startTestRegistry(options);
  const agent = openAgent();
  const counts = {
    first: [],
    other: [],
    next: [],
    again: [],
    tokens: [],
    tokensNext: [],
  } as Record<'first' | 'other' | 'next' | 'again' | 'tokens' | 'tokensNext', number[]>;
  try {
    for (let n = 0; n < REPOSITORIES; n += 1) {
      const repository = `team/app-${n}`;
      const [one, other] = [sign(registry, repository, 'one'), sign(registry, repository, 'other')];
      // Only the first repository of all finds a registry of which nothing is known.
      const first = await agent.judge(registry, repository, one);
      const next = await agent.judge(registry, repository, other);
      const again = await agent.judge(registry, repository, one);
      counts[n === 0 ? 'first' : 'other'].push(first.requests);
      counts.tokens.push(first.tokens);
      counts.next.push(next.requests);
      counts.tokensNext.push(next.tokens);
      counts.again.push(again.requests);
    }
  } finally {
    await agent.close();
    await registry.close();
  }
  const row = (what: string, values: readonly number[], value: number): Measurement => ({
    what: `${kind}: ${what}`,
    ...{ values, unit: 'requests', target: { bound: 'at most', value } },
  });
  return [
    row('first image of a registry', counts.first, cold),
    row('first image of another repository', counts.other, 4),
    row('tokens for the first image of a repository', counts.tokens, 1),
    row('second image of a repository', counts.next, second),
    row('tokens for that', counts.tokensNext, 0),
    row('an image again', counts.again, 0),
  ];
}

const ca = createCa();

function sign(registry: TestRegistry, repository: string, content: string): Descriptor {
  const target = registry.pushImage(repository, content, content);
  const envelope = signEnvelope({ format: 'jws', signer: ca.issue(), target });
  registry.attachSignature(repository, target, envelope, MEDIA_TYPES.jws);
  return target;
}

function openAgent() {
  const clock = { now: () => new Date() };
  const registry = createHostRegistryClient({
    createTransport: createPooledTransport,
    plainHttp: [],
    credentials: () => Promise.resolve([TEST_CREDENTIAL]),
  });
  const evidence = createEvidenceSources({ clock, pluginDir: '/absent' });
  const anything = statement({ registryScopes: ['*'], trustedIdentities: ['*'] });
  const policy = parseTrustPolicy(documentOf([anything]));
  const root = parseCertificate(ca.root.der, 'root');
  const { pulls } = createVerifiers({
    verdicts: { registry, evidence, clock },
    inForce: {
      policy: () => Promise.resolve(policy),
      trust: (names) => {
        const stores = names.map((name) => ({ name, certificates: [root] }));
        return Promise.resolve({ stores, hash: trustHash(stores), warnings: [] });
      },
    },
    ledger: { signatures: { get: () => undefined, put: () => undefined } as never },
    metrics: { countError: () => undefined, countSignatureLookup: () => undefined },
    log: { warn: () => undefined },
  });
  return {
    close: () => Promise.all([registry.close(), evidence.close()]),
    /** Judges, and counts what of the registry and of its token service was asked. */
    judge: async (asked: TestRegistry, repository: string, descriptor: Descriptor) => {
      asked.requests.length = 0;
      const image = { name: `${asked.host}/${repository}:latest`, descriptor };
      const verdict = await pulls.verify(image, AbortSignal.timeout(DEADLINE_MS));
      if (verdict.decision !== 'allow') throw new Error(`expected allow, found ${verdict.message}`);
      const tokens = asked.requests.filter(({ path }) => path.startsWith('/token')).length;
      return { tokens, requests: asked.requests.length - tokens };
    },
  };
}
