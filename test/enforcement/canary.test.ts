// The canary over a runtime in this process that does as containerd and the pull verifier do.
import { describe, expect, it, onTestFinished } from 'vitest';
import { Canary, type CanaryRuntime, type ListedImage } from '../../agent/enforcement/canary.ts';
import { AgentError } from '../../agent/errors.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import { type Digest, parseDigest } from '../../agent/oci/digest.ts';
import { createEvidenceSources } from '../../agent/verifier/evidence-sources.ts';
import { NOW, openClient } from './fixture.ts';

const NEVER = new AbortController().signal;
const OTHER: Digest = `sha256:${'ab'.repeat(32)}`;

/** As the pull verifier answers on a judgement of the agent, or on one of the host. */
type Judge = (name: string, descriptor: Descriptor) => Promise<Verdict> | undefined;

class FakeRuntime implements CanaryRuntime {
  readonly pulled: string[] = [];
  readonly removed: string[] = [];
  images: ListedImage[] = [];
  /** What is done with a pull; by default what containerd does. */
  onPull: (name: string, descriptor: Descriptor) => Promise<void>;

  constructor(judge: () => Judge) {
    this.onPull = async (name, descriptor) => {
      const verdict = await judge()(name, descriptor);
      const answer =
        verdict === undefined
          ? 'deny: policy_not_applicable: judged by the host'
          : `${verdict.decision}: ${verdict.reason}: ${verdict.message}`;
      if (verdict?.decision !== 'allow') throw blocked(answer);
    };
  }

  async pull(name: string): Promise<void> {
    this.pulled.push(name);
    await this.onPull(name, await resolve(name));
  }

  remove(name: string): Promise<void> {
    this.removed.push(name);
    return Promise.resolve();
  }

  list(): Promise<readonly ListedImage[]> {
    return Promise.resolve(this.images);
  }
}

function blocked(answer: string): AgentError {
  const text = `verifier nodeseal-verifier rejected image (exit code 1): ${answer}`;
  return new AgentError('containerd_failed', `containerd: PullImage: UNKNOWN: ${text}`);
}

async function resolve(name: string): Promise<Descriptor> {
  const [repository = '', digest = ''] = name.split('@');
  const [host = '', ...path] = repository.split('/');
  const url = `http://${host}/v2/${path.join('/')}/manifests/${digest}`;
  const response = await fetch(url, { method: 'HEAD', headers: { connection: 'close' } });
  return {
    mediaType: response.headers.get('content-type') ?? '',
    digest: parseDigest(response.headers.get('docker-content-digest') ?? ''),
    size: Number(response.headers.get('content-length')),
  };
}

function open() {
  const clock = { now: () => NOW };
  const evidence = createEvidenceSources({ clock, pluginDir: '/nonexistent' });
  onTestFinished(() => evidence.close());
  const runtime = new FakeRuntime(
    () => (name, descriptor) => canary.judge({ name, descriptor }, NEVER),
  );
  const incidents: string[] = [];
  const canary: Canary = new Canary({
    ...{ registry: openClient(), evidence, clock, runtime },
    ...{ architecture: 'amd64', verifierName: 'nodeseal-verifier' },
    onIncident: ({ code }) => incidents.push(code),
  });
  const run = async (signal = NEVER): Promise<string> => {
    const result = await canary.run(signal);
    return result.kind === 'proved' ? result.kind : `${result.kind}: ${result.cause.code}`;
  };
  return { canary, runtime, incidents, run };
}

describe('a canary', () => {
  it('proves enforcement, and removes what came in', async () => {
    const { runtime, run } = open();
    expect(await run()).toBe('proved');
    const [signed = '', unsigned = ''] = runtime.pulled;
    const name = /^127\.0\.0\.1:\d+\/nodeseal-canary\/([0-9a-f]{32})-signed@sha256:[0-9a-f]{64}$/;
    const nonce = name.exec(signed)?.[1];
    expect(unsigned).toContain(`/nodeseal-canary/${nonce ?? 'none'}-unsigned@sha256:`);
    expect(runtime.removed).toEqual([signed]);
    expect(await run()).toBe('proved');
    expect(new Set(runtime.pulled).size).toBe(4);
  });

  it('finds that no verifier is asked, and removes both', async () => {
    const { runtime, run } = open();
    runtime.onPull = () => Promise.resolve();
    expect(await run()).toBe('refuted: unsigned_image_came_in');
    expect(runtime.removed).toEqual(runtime.pulled);
  });

  it('finds that a verdict is not heeded', async () => {
    const { canary, runtime, run } = open();
    runtime.onPull = async (name, descriptor) => {
      await canary.judge({ name, descriptor }, NEVER);
    };
    expect(await run()).toBe('refuted: verdict_not_enforced');
  });

  it('does not take the judgement of the host for a bypass, nor for proof', async () => {
    const { runtime, run } = open();
    runtime.onPull = () => Promise.reject(blocked('deny: policy_not_applicable: x'));
    expect(await run()).toBe('inconclusive: agent_not_asked');
  });

  it('tells nothing of a containerd that is not there', async () => {
    const { runtime, incidents, run } = open();
    const gone = () => Promise.reject(new AgentError('containerd_unavailable', 'UNAVAILABLE'));
    runtime.list = gone;
    runtime.onPull = gone;
    expect(await run()).toBe('inconclusive: containerd_unavailable');
    expect(incidents).toEqual([]);
  });

  it('is not tried when what is on the node is answered with nonsense', async () => {
    const { runtime, run } = open();
    runtime.list = () => Promise.reject(new AgentError('journal_entry_invalid', 'no list'));
    expect(await run()).toBe('inconclusive: canary_failed');
    expect(runtime.pulled).toEqual([]);
  });

  it.each(['list', 'pull', 'remove'] as const)(
    'lets through a fault of the program itself (%s)',
    async (method) => {
      const { runtime, incidents, run } = open();
      runtime.onPull = () => Promise.resolve();
      runtime.images = [{ id: 'sha256:1', repoTags: [], repoDigests: [] }];
      Object.assign(runtime, { [method]: () => Promise.reject(new RangeError('a fault')) });
      await expect(run()).rejects.toThrow(RangeError);
      expect(incidents).toEqual([]);
    },
  );

  it('leaves nobody listening', async () => {
    const { runtime, run } = open();
    await run();
    const [host] = runtime.pulled[0]?.split('/') ?? [];
    await expect(fetch(`http://${host ?? ''}/v2/`)).rejects.toThrow('fetch failed');
  });

  it('tells of what it could not remove', async () => {
    const { runtime, incidents, run } = open();
    runtime.remove = () => Promise.reject(new AgentError('containerd_failed', 'no'));
    expect(await run()).toBe('proved');
    expect(incidents).toEqual(['containerd_failed']);
  });

  it('removes what came in also when the agent stops meanwhile', async () => {
    const { runtime, run } = open();
    const stop = new AbortController();
    runtime.onPull = () => {
      stop.abort();
      return Promise.resolve();
    };
    await run(stop.signal);
    expect(runtime.removed).toEqual(runtime.pulled);
  });

  it('removes what an agent that was killed left, and touches nothing else', async () => {
    const { runtime, run } = open();
    const left = `127.0.0.1:4/nodeseal-canary/${'0'.repeat(32)}-unsigned@${OTHER}`;
    runtime.images = [
      { id: 'sha256:1', repoTags: [], repoDigests: [left] },
      { id: 'sha256:2', repoTags: ['example.io/app:1'], repoDigests: [left] },
      { id: 'sha256:3', repoTags: [], repoDigests: [] },
      { id: 'sha256:4', repoTags: [], repoDigests: [`example.io/app@${OTHER}`] },
    ];
    expect(await run()).toBe('proved');
    expect(runtime.removed[0]).toBe('sha256:1');
    expect(runtime.removed.filter((name) => name.startsWith('sha256:'))).toEqual(['sha256:1']);
  });

  it('knows its images as its own, from before they are pulled', async () => {
    const { canary, runtime, run } = open();
    const known: boolean[] = [];
    const pull = runtime.onPull;
    runtime.onPull = async (name, descriptor) => {
      known.push(canary.own.hasDigest(descriptor.digest));
      await pull(name, descriptor);
    };
    await run();
    expect(known).toEqual([true, true]);
    expect(runtime.pulled.every((name) => canary.own.hasName(name))).toBe(true);
  });

  it('is one at a time', async () => {
    const { canary, runtime, run } = open();
    runtime.onPull = async () => {
      await expect(canary.run(NEVER)).rejects.toThrow(TypeError);
    };
    await run();
    expect(runtime.pulled).toHaveLength(2);
  });
});

describe('what is judged by the policy of the canary', () => {
  /** Whether an image is, asked while the signed image is pulled: its name and content, changed. */
  async function isCovered(change: (image: { name: string; descriptor: Descriptor }) => object) {
    const { canary, runtime, run } = open();
    let found: Promise<Verdict> | undefined;
    runtime.onPull = async (name, descriptor) => {
      if (!name.includes('-signed')) throw blocked('deny: signature_missing: x');
      found = canary.judge({ name, descriptor, ...change({ name, descriptor }) }, NEVER);
      await found;
    };
    await run();
    return found !== undefined;
  }

  it('is an image of the run under way, by tag too, since its content is given', async () => {
    expect(await isCovered(() => ({}))).toBe(true);
    expect(await isCovered(({ name }) => ({ name: name.replace(/@.*/, ':1') }))).toBe(true);
  });

  it.each<[string, (name: string) => string]>([
    ['another repository of that registry', (name) => name.replace('-signed', '-signed2')],
    ['one below it', (name) => name.replace('-signed', '-signed/app')],
    ['the other one with this content', (name) => name.replace('-signed', '-unsigned')],
    ['another nonce', (name) => name.replace(/[0-9a-f]{32}/, '0'.repeat(32))],
    ['another port', (name) => name.replace(/:\d+/, ':1')],
    ['another name of this host', (name) => name.replace('127.0.0.1', 'localhost')],
    ['no reference', () => 'x'],
  ])('is not %s', async (_, change) => {
    expect(await isCovered(({ name }) => ({ name: change(name) }))).toBe(false);
  });

  it('is not other content under this name', async () => {
    expect(
      await isCovered(({ descriptor }) => ({ descriptor: { ...descriptor, digest: OTHER } })),
    ).toBe(false);
    expect(await isCovered(() => ({ descriptor: undefined }))).toBe(false);
  });

  it('is nothing once the run is over, nor before it', async () => {
    const { canary, runtime, run } = open();
    const images: { name: string; descriptor: Descriptor }[] = [];
    const pull = runtime.onPull;
    runtime.onPull = async (name, descriptor) => {
      images.push({ name, descriptor });
      await pull(name, descriptor);
    };
    await run();
    expect(images).toHaveLength(2);
    for (const image of images) expect(canary.judge(image, NEVER)).toBeUndefined();
    // Nor in the next run, which has a nonce and a port of its own.
    runtime.onPull = () => {
      for (const image of images.slice(0, 2)) expect(canary.judge(image, NEVER)).toBeUndefined();
      return Promise.resolve();
    };
    await run();
  });
});
