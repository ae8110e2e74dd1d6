// What the signatures of an image may cost, whatever anybody pushes beside the good one.
import { beforeEach, describe, expect, it } from 'vitest';
import { JWS_MEDIA_TYPE } from '../../agent/notation/signature/envelope.ts';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import { describeBytes, IMAGE_MANIFEST, SIGNATURE_TYPE } from '../support/registry.ts';
import { signEnvelope } from '../support/sign-envelope.ts';
import { type Bench, leaf, openBench, REPOSITORY } from './fixture.ts';

const MIB = 1024 * 1024;

/** Ways to be no signature, each served as its name says. */
const KINDS = ['large', 'wrong digest', 'missing', 'redirect loop', 'silent'] as const;
type Kind = (typeof KINDS)[number];

/** Bytes of answers to requests for junk, and their number. */
interface Served {
  bytes: number;
  requests: number;
}

/** Lists `count` of a kind as signatures, before whatever is listed later. */
function listJunk(bench: Bench, kind: Kind, count: number): void {
  for (let index = 0; index < count; index++) {
    const described = describeBytes(Buffer.from(`${kind} ${index}`), IMAGE_MANIFEST);
    const size = kind === 'large' ? 4 * MIB : described.size;
    const referrer = { ...described, size, artifactType: SIGNATURE_TYPE };
    bench.registry.addReferrer(REPOSITORY, bench.image.digest, referrer);
    kinds.set(described.digest, kind);
  }
}

const kinds = new Map<string, Kind>();
const LARGE = Buffer.alloc(4 * MIB, ' ');

/** Lets the registry serve what was listed as it was listed. */
function serveJunk({ registry }: Bench): Served {
  const served = { bytes: 0, requests: 0 };
  registry.intercept = ({ path }, response) => {
    const kind = kinds.get(/manifests\/(sha256:[0-9a-f]+)/.exec(path)?.[1] ?? '');
    if (kind === undefined || kind === 'missing') return false;
    served.requests++;
    if (kind === 'silent') return true;
    if (kind === 'redirect loop') {
      response.writeHead(307, { location: path }).end();
      return true;
    }
    const body = kind === 'large' ? LARGE : Buffer.from('{}');
    served.bytes += body.length;
    response.writeHead(200, { 'content-type': IMAGE_MANIFEST }).end(body);
    return true;
  };
  return served;
}

/** Attaches a good signature of which manifest or envelope is `bytes` larger than it need be. */
function signLargely(bench: Bench, part: 'manifest' | 'envelope', bytes: number): Descriptor {
  const padding = ' '.repeat(bytes);
  const envelope = signEnvelope({ format: 'jws', signer: leaf, target: bench.image });
  return bench.registry.attachSignature(
    REPOSITORY,
    bench.image,
    part === 'manifest' ? envelope : Buffer.concat([Buffer.from(padding), envelope]),
    JWS_MEDIA_TYPE,
    part === 'manifest' ? { annotations: { padding } } : {},
  );
}

beforeEach(() => kinds.clear());

const limits = { promptMs: 50 };
/** For what answers at once, also on a busy machine. */
const patient = { promptMs: 1500 };

describe('ninety-nine that are no signatures', () => {
  it.each(KINDS)('before a good one, each %s, do not hide it', async (kind) => {
    const bench = await openBench();
    listJunk(bench, kind, 99);
    const { digest } = bench.sign();
    const served = serveJunk(bench);
    const verdict = await bench.verify({ parts: { limits } });
    expect(verdict).toMatchObject({ decision: 'allow', signature: digest });
    expect(served.bytes).toBeLessThan(MIB);
  });

  it('of every kind before a good one are counted, but for those left for later', async () => {
    const bench = await openBench();
    // As many silent ones as are fetched at a time: the others are prompt also on a busy machine.
    for (const kind of KINDS) listJunk(bench, kind, kind === 'silent' ? 4 : 19);
    bench.sign();
    serveJunk(bench);
    const { skippedSignatures } = await bench.verify({ parts: { limits: patient } });
    expect(skippedSignatures.count).toBe(3 * 19);
    expect(skippedSignatures.first.map(({ code }) => code)).toEqual(
      Array.from({ length: 5 }, () => 'content_mismatch'),
    );
  });

  it('and nothing else cost bounded bytes and requests, and are all looked at', async () => {
    const bench = await openBench();
    const hasty = KINDS.filter((kind) => kind !== 'silent');
    for (const kind of hasty) listJunk(bench, kind, 25);
    const served = serveJunk(bench);
    const verdict = await bench.verify({ parts: { limits: patient } });
    expect(verdict).toMatchObject({ decision: 'deny', inconclusive: true });
    expect(verdict.skippedSignatures.count).toBe(99);
    // Four of the large ones, and an empty object each.
    expect(served.bytes).toBeLessThanOrEqual(16 * MIB + 25 * 2);
    // Once and five redirects.
    expect(served.requests).toBe(4 + 25 + 25 * 6);
  });
});

describe('a good signature that is unusually large', () => {
  it.each(['manifest', 'envelope'] as const)('in its %s is looked at last', async (part) => {
    const bench = await openBench();
    const large = signLargely(bench, part, MIB);
    const decided = async () => (await bench.verify()).signature;
    expect(await decided()).toBe(large.digest);
    bench.sign({ signer: leaf, expiry: new Date(0) });
    expect(await decided()).toBe(large.digest);
    const { digest } = bench.sign();
    expect(await decided()).toBe(digest);
  });

  it('is not hidden by those that say that they are larger than any may be', async () => {
    const bench = await openBench();
    for (let index = 0; index < 9; index++) {
      const described = describeBytes(Buffer.from(`huge ${index}`), IMAGE_MANIFEST);
      const referrer = { ...described, size: 4 * MIB + 1, artifactType: SIGNATURE_TYPE };
      bench.registry.addReferrer(REPOSITORY, bench.image.digest, referrer);
    }
    const { digest } = signLargely(bench, 'manifest', MIB);
    const verdict = await bench.verify();
    expect(verdict).toMatchObject({ decision: 'allow', signature: digest });
    expect(verdict.skippedSignatures).toMatchObject({
      count: 9,
      first: { 0: { code: 'content_too_large' } },
    });
  });

  it('is refused with what is too much for one image', async () => {
    const bench = await openBench();
    const parts = { limits: { largeBytes: 2 * MIB } };
    signLargely(bench, 'manifest', MIB);
    expect(await bench.decide({ parts })).toBe('allow verified');
    const limited = { limits: { largeBytes: MIB } };
    expect(await bench.decide({ parts: limited })).toBe('deny content_too_large');
  });
});

describe('a registry that is slow', () => {
  const silentOnce = ({ registry }: Bench, digest: string) => {
    let silent = true;
    registry.intercept = ({ path }) => {
      const now = silent && path.includes(digest);
      if (now) silent = false;
      return now;
    };
  };

  it('at a signature does not keep a good one behind it waiting', async () => {
    const bench = await openBench();
    const slow = bench.sign();
    const { digest } = bench.sign({ signingAgent: 'another' });
    bench.registry.intercept = ({ path }) => path.includes(slow.digest);
    const verdict = await bench.verify({ parts: { limits } });
    expect(verdict).toMatchObject({ decision: 'allow', signature: digest });
  });

  it('at a good signature gets more time for it, once no other is good', async () => {
    const bench = await openBench();
    const slow = bench.sign();
    bench.sign({ expiry: new Date(0) });
    silentOnce(bench, slow.digest);
    const verdict = await bench.verify({ parts: { limits } });
    expect(verdict).toMatchObject({ decision: 'allow', signature: slow.digest });
  });

  it('at the only signature has all the time there is', async () => {
    const bench = await openBench({ client: { limits: { requestMs: 50 } } });
    const { digest } = bench.sign();
    silentOnce(bench, digest);
    // It is the registry client that gives up, not we.
    expect(await bench.decide({ parts: { limits: { promptMs: 1 } } })).toBe(
      'deny registry_timeout, inconclusive',
    );
    expect(await bench.decide({ parts: { limits: { promptMs: 1 } } })).toBe('allow verified');
  });
});
