// Registries that are down, deny, stall or run out of time: what is inconclusive, and under which code.
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../agent/errors.ts';
import { type Bench, openBench } from './fixture.ts';
import { openRawServer } from './registry/fixture.ts';

async function openSigned(client: object = {}): Promise<Bench> {
  const bench = await openBench({ client });
  bench.sign();
  return bench;
}

// The three stages that a verdict passes through at a registry, by a part of their paths.
const STAGES = ['manifests/latest', 'referrers/', 'blobs/'];

describe.each(STAGES)('a registry that fails at %s', (path) => {
  const byTag = ({ repository }: Bench) => ({ image: { name: `${repository}:latest` } });

  it.each([
    [401, 'registry_denied'],
    [403, 'registry_denied'],
    [429, 'registry_busy'],
    [500, 'registry_failed'],
    [503, 'registry_busy'],
  ])('with %i leaves the verdict inconclusive: %s', async (status, reason) => {
    const bench = await openSigned();
    bench.answerWith(status, path, { 'retry-after': '3600' });
    expect(await bench.verify(byTag(bench))).toMatchObject({
      decision: 'deny',
      reason,
      inconclusive: true,
    });
    bench.registry.intercept = undefined;
    expect(await bench.decide(byTag(bench))).toBe('allow verified');
  });

  it('by not answering leaves the verdict inconclusive', async () => {
    const bench = await openSigned({ limits: { headersMs: 50 } });
    bench.registry.intercept = (request) => request.path.includes(path);
    expect(await bench.decide(byTag(bench))).toBe('deny registry_timeout, inconclusive');
  });

  it('until the deadline leaves the verdict inconclusive, even at the last signature', async () => {
    const bench = await openSigned();
    const deadline = new AbortController();
    bench.registry.intercept = (request) => {
      if (!request.path.includes(path)) return false;
      deadline.abort();
      return true;
    };
    expect(await bench.verify({ ...byTag(bench), signal: deadline.signal })).toMatchObject({
      decision: 'deny',
      reason: 'deadline_exceeded',
      inconclusive: true,
      repository: bench.repository,
      policy: 'acme',
      signature: null,
    });
  });
});

describe('a deadline', () => {
  it('that is over before it starts denies without a request', async () => {
    const bench = await openSigned();
    expect(await bench.decide({ signal: AbortSignal.abort() })).toBe(
      'deny deadline_exceeded, inconclusive',
    );
    expect(bench.registry.requests).toEqual([]);
  });

  it('gives its own reason where it has one', async () => {
    const bench = await openSigned();
    const reason = new AgentError('agent_unavailable', 'the agent is stopping');
    const verdict = await bench.verify({ signal: AbortSignal.abort(reason) });
    expect(verdict).toMatchObject({ reason: 'agent_unavailable', message: reason.message });
  });

  it('decides over whatever else a registry answered when it was over', async () => {
    const bench = await openSigned();
    const deadline = new AbortController();
    bench.registry.intercept = ({ path }, response) => {
      if (!path.includes('blobs/')) return false;
      response.end('not the blob');
      return true;
    };
    expect(await bench.decide()).toBe('deny content_mismatch');
    const { signal } = deadline;
    // Over after the answer has come, before anything is made of it.
    const registry = bench.client({
      fetchBlob: async (...call) => {
        const failed = await bench
          .client()
          .fetchBlob(...call)
          .catch((error: unknown) => error);
        deadline.abort();
        throw failed;
      },
    });
    expect(await bench.decide({ parts: { registry }, signal })).toBe(
      'deny deadline_exceeded, inconclusive',
    );
  });
});

describe('a registry that is not there', () => {
  it('leaves the verdict inconclusive, with what is known of the image', async () => {
    const bench = await openSigned();
    await bench.registry.close();
    expect(await bench.verify()).toMatchObject({
      decision: 'deny',
      reason: 'registry_unreachable',
      inconclusive: true,
      repository: bench.repository,
      digest: bench.image.digest,
      policy: 'acme',
    });
  });

  it('or breaks off every connection is unreachable', async () => {
    const bench = await openSigned();
    const host = await openRawServer((socket) => socket.destroy());
    const image = { name: `${host}/app:latest` };
    const statement = { registryScopes: [`${host}/app`] };
    expect(await bench.decide({ image, statement })).toBe(
      'deny registry_unreachable, inconclusive',
    );
  });

  it('or a client that cannot be made denies', async () => {
    const bench = await openSigned();
    const registry = Promise.reject(new AgentError('registry_denied', 'no credentials'));
    expect(await bench.decide({ parts: { registry } })).toBe('deny registry_denied, inconclusive');
  });
});
