import { describe, expect, it } from 'vitest';
import { Bundle } from '../../agent/verifier/bundle/bundle.ts';
import { LayoutWriter } from '../../agent/verifier/bundle/layout-writer.ts';
import { collectImage } from '../../agent/verifier/collect-bundle.ts';
import { GoodSignatures } from '../../agent/verifier/good-signatures.ts';
import { SignatureCache } from '../../agent/verifier/signature-cache.ts';
import { temporaryDirectory } from '../support/front-door.ts';
import { type Bench, NOW, openBench, otherCa } from './fixture.ts';

const NEVER = new AbortController().signal;
const YESTERDAY = new Date(NOW.getTime() - 24 * 3600 * 1000);

/** A bundle of what the registry has now. */
async function carry(bench: Bench): Promise<Bundle> {
  const directory = temporaryDirectory();
  const writer = await LayoutWriter.open(directory);
  const name = `${bench.repository}:latest`;
  const { entries } = await collectImage(
    name,
    { registry: bench.client(), writer, authorities: [] },
    NEVER,
  );
  await writer.finish(entries, YESTERDAY, new AbortController().signal);
  await writer.close();
  bench.registry.requests.length = 0;
  return new Bundle(directory);
}

/** What an agent remembers from verdict to verdict. */
function memory() {
  const signatures = new SignatureCache();
  return { signatures, goodSignatures: new GoodSignatures(signatures) };
}

describe('an agent with a bundle', () => {
  it('allows by it without asking a registry, and remembers what was good', async () => {
    const bench = await openBench();
    const { digest } = bench.sign();
    const parts = { bundle: await carry(bench), ...memory() };
    const verdict = await bench.verify({ parts });
    expect(verdict).toMatchObject({ decision: 'allow', reason: 'verified', signature: digest });
    expect(verdict.message).toContain('is in a bundle of 2026-05-31T00:00:00.000Z, 24 hours old');
    expect((await bench.recall({ parts }))?.isFinal).toBe(true);
    expect(bench.registry.requests).toEqual([]);
  });

  it('finds the signatures of an image that was moved to another registry', async () => {
    const from = await openBench();
    from.sign();
    const bundle = await carry(from);
    const to = await openBench();
    expect(to.image.digest).toBe(from.image.digest);
    expect(await to.decide()).toBe('deny signature_missing');
    expect(await to.decide({ parts: { bundle } })).toBe('allow verified');
  });

  it('allows by the registry where those of the bundle are not good any more', async () => {
    const bench = await openBench();
    bench.sign({ signer: otherCa.issue() });
    const bundle = await carry(bench);
    expect(await bench.decide({ parts: { bundle } })).toBe('deny certificate_untrusted');
    const { digest } = bench.sign();
    const verdict = await bench.verify({ parts: { bundle } });
    expect(verdict).toMatchObject({ decision: 'allow', signature: digest });
    expect(verdict.message).not.toContain('bundle');
  });

  it('takes the word of the registry for what a tag stands for, if it has one', async () => {
    const bench = await openBench();
    bench.sign();
    const bundle = await carry(bench);
    const image = { name: `${bench.repository}:latest` };
    bench.answerWith(404);
    expect(await bench.decide({ image, parts: { bundle } })).toBe('deny registry_not_found');
    bench.registry.intercept = undefined;
    const moved = bench.registry.pushImage('team/app', 'latest', 'moved');
    const { digest, reason } = await bench.verify({ image, parts: { bundle } });
    expect([digest, reason]).toEqual([moved.digest, 'signature_missing']);
  });

  it.each([
    [503, 'allow verified'],
    [401, 'deny registry_denied, inconclusive'],
    [403, 'deny registry_denied, inconclusive'],
  ])(
    'takes the word of the bundle for a tag only where the registry cannot say: %i',
    async (status, decided) => {
      const bench = await openBench();
      bench.sign();
      const bundle = await carry(bench);
      const image = { name: `${bench.repository}:latest` };
      bench.answerWith(status);
      expect(await bench.decide({ image, parts: { bundle } })).toBe(decided);
      // What a digest names cannot change: whoever asks, the signatures are those of the content.
      expect(await bench.decide({ parts: { bundle } })).toBe('allow verified');
    },
  );

  it('tells of both where neither registry nor bundle can be read', async () => {
    const bench = await openBench();
    bench.sign();
    const bundle = new Bundle('/nonexistent');
    expect(await bench.decide({ parts: { bundle } })).toBe('allow verified');
    bench.answerWith(403);
    const { reason, message } = await bench.verify({ parts: { bundle } });
    expect(reason).toBe('registry_denied');
    expect(message).toContain('; bundle "/nonexistent": ');
  });
});
