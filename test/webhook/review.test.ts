import { describe, expect, it } from 'vitest';
import { judgeImages } from '../../agent/webhook/judgement.ts';
import { pullIdentityOf } from '../../agent/webhook/pull-identity.ts';
import { review } from '../../agent/webhook/review.ts';
import {
  bytesOf,
  patchOf,
  POD,
  type ReviewChanges,
  reviewOf,
  workload,
  WORKLOAD_KINDS,
} from '../support/admission.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { verdictOf } from '../support/verdict.ts';
import { answerTo, DENIED, LOGGED, type Reviewing, verifierOf } from './fixture.ts';

const GOOD = 'registry.example/good:v1';
const BAD = 'registry.example/bad:v1';
const DIGEST = verdictOf({}).digest;

function podOf(...images: readonly string[]) {
  return reviewOf(POD, workload(POD, 'app', ...images));
}

const BAD_DENIED: Reviewing = { verdicts: { [BAD]: DENIED } };

describe('a review', () => {
  it.each(WORKLOAD_KINDS)('admits a $kind whose images are good', async (kind) => {
    const body = reviewOf(kind, workload(kind, 'app', GOOD));
    const answer = await answerTo(body);
    expect(answer).toEqual({
      uid: (body['request'] as { uid: string }).uid,
      allowed: true,
      auditAnnotations: { images: `allow verified registry.example/app@${DIGEST}` },
    });
  });

  it.each(WORKLOAD_KINDS)('refuses a $kind for one bad image, and says which', async (kind) => {
    const { allowed, status } = await answerTo(
      reviewOf(kind, workload(kind, 'app', GOOD, BAD)),
      BAD_DENIED,
    );
    expect({ allowed, status }).toEqual({
      allowed: false,
      status: {
        code: 403,
        message:
          'nodeseal refuses 1 of 2 images:\n' +
          `- container "app-1", image "${BAD}", policy statement "production": signature_missing: ` +
          'registry.example/app@sha256:ab: expected a Notary Project signature, found none',
      },
    });
  });

  it('says of what could not be told that it could not', async () => {
    const verdicts = {
      [BAD]: { ...DENIED, reason: 'registry_timeout', inconclusive: true, policy: null } as const,
    };
    const { status } = await answerTo(podOf(BAD), { verdicts });
    expect(status?.message).toMatch(
      /^nodeseal refuses its image:\n- container "app", image "[^"]+": registry_timeout \(could not be told; it may be later\): /,
    );
  });

  it('fits a screen, however much is wrong and whatever it is called', async () => {
    const images = Array.from(
      { length: 60 },
      (_, index) => `registry.example/${'a'.repeat(800)}${index}:v1`,
    );
    const message = `\u001b[31m\n${'very '.repeat(400)}`;
    const verdicts = Object.fromEntries(images.map((image) => [image, { ...DENIED, message }]));
    const { status } = await answerTo(podOf(...images), { verdicts });
    const text = status?.message ?? '';
    expect(text).toContain('refuses 60 of 60 images');
    expect(text).toContain('- and 56 more');
    expect(text).not.toContain('\u001b');
    expect(text.split('\n')).toHaveLength(6);
    expect(text.length).toBeLessThan(2500);
  });

  it('warns of what is only recorded, and admits', async () => {
    const answer = await answerTo(podOf(GOOD), { verdicts: { [GOOD]: LOGGED } });
    expect(answer.allowed).toBe(true);
    expect(answer.warnings).toEqual([
      expect.stringMatching(/^nodeseal: container "app", .*failure_logged: /),
    ]);
  });

  it('warns in audit mode of what it would refuse, and admits', async () => {
    const answer = await answerTo(podOf(GOOD, BAD), { ...BAD_DENIED, mode: 'audit' });
    expect(answer).toMatchObject({ allowed: true });
    expect(answer.warnings).toEqual([expect.stringContaining('signature_missing')]);
    expect(answer.status).toBeUndefined();
    // Where it is refused, that says so already.
    expect((await answerTo(podOf(GOOD, BAD), BAD_DENIED)).warnings).toBeUndefined();
    const logged = await answerTo(podOf(GOOD), { verdicts: { [GOOD]: LOGGED }, mode: 'audit' });
    expect(logged.warnings).toEqual([expect.stringContaining('failure_logged')]);
  });

  it('admits what the policy skips without a word', async () => {
    const skipped = { reason: 'skipped_by_policy', digest: null } as const;
    const answer = await answerTo(podOf(GOOD), { verdicts: { [GOOD]: skipped } });
    expect(answer).toMatchObject({
      ...{
        allowed: true,
        auditAnnotations: { images: 'allow skipped_by_policy registry.example/app' },
      },
    });
    expect(answer.warnings).toBeUndefined();
  });

  it('tells the audit log of ten images at most, and of none where there are none', async () => {
    const images = (count: number) =>
      Array.from({ length: count }, (_, index) => `registry.example/app:${index}`);
    const linesOf = async (count: number) =>
      (await answerTo(podOf(...images(count)))).auditAnnotations?.['images']?.split('; ');
    expect(await linesOf(10)).toHaveLength(10);
    expect(await linesOf(11)).toHaveLength(10);
    const object = workload(POD, 'app', GOOD);
    const update = reviewOf(POD, object, { operation: 'UPDATE', oldObject: object });
    const answer = await answerTo(update);
    expect(Object.keys(answer).sort()).toEqual(['allowed', 'uid']);
  });

  it('names three containers of an image at most, and counts the others', async () => {
    const named = async (count: number) => {
      const { status } = await answerTo(podOf(...Array<string>(count).fill(BAD)), BAD_DENIED);
      return status?.message.split('\n')[1]?.split(', image')[0];
    };
    const three = '- container "app", container "app-1", container "app-2"';
    expect(await named(3)).toBe(three);
    expect(await named(5)).toBe(`${three} and 2 more`);
  });

  it('asks for each image once, by the name that containerd will pull', async () => {
    const { asked, verify } = verifierOf();
    const body = bytesOf(podOf('nginx', GOOD, 'nginx', GOOD));
    const { signal } = new AbortController();
    const done = await review(
      body,
      'validate',
      { mode: 'enforce', verify, deadlineMs: 1000 },
      signal,
    );
    expect(asked).toEqual(['docker.io/library/nginx:latest', GOOD]);
    expect(done.verdicts.map(({ uses }) => uses.length)).toEqual([2, 2]);
  });

  it('tells whose secrets are to open the registry', async () => {
    const identities: unknown[] = [];
    const verify = (_: string, identity: unknown) => {
      identities.push(identity);
      return Promise.resolve(verdictOf({}));
    };
    const { signal } = new AbortController();
    for (const spec of [
      { serviceAccountName: 'builder', imagePullSecrets: [{ name: 'a' }, {}, { name: 'b' }] },
      // A name that leads elsewhere is none.
      { serviceAccountName: '../x', imagePullSecrets: [{ name: '../../kube-system/secrets/x' }] },
      {},
    ]) {
      const body = bytesOf(reviewOf(POD, { spec: { containers: [{ image: GOOD }], ...spec } }));
      await review(body, 'validate', { mode: 'enforce', verify, deadlineMs: 1000 }, signal);
    }
    expect(identities).toEqual([
      { namespace: 'default', serviceAccount: 'builder', pullSecrets: ['a', 'b'] },
      { namespace: 'default', serviceAccount: 'default', pullSecrets: [] },
      { namespace: 'default', serviceAccount: 'default', pullSecrets: [] },
    ]);
  });

  it('looks at twenty pull secrets at most, and at none of a namespace that leads elsewhere', () => {
    const secrets = (count: number) => ({
      imagePullSecrets: Array.from({ length: count }, (_, index) => ({ name: `s${index}` })),
    });
    expect(pullIdentityOf('team', secrets(20)).pullSecrets).toHaveLength(20);
    expect(pullIdentityOf('team', secrets(21)).pullSecrets).toHaveLength(20);
    expect(pullIdentityOf('team', { imagePullSecrets: [null, 's', { name: 's' }] })).toEqual({
      ...{ namespace: 'team', serviceAccount: 'default', pullSecrets: ['s'] },
    });
    expect(pullIdentityOf('../team', undefined).namespace).toBe('');
  });

  it.each<[string, ReviewChanges, number]>([
    ['what is no workload', { resource: { group: 'x', resource: 'rollouts' } }, 400],
    ['a pod that is none', { object: { spec: 1 } }, 400],
  ])(
    'refuses %s by /validate, also in audit mode, and leaves it by /mutate',
    async (_, changes, code) => {
      const body = reviewOf(POD, workload(POD, 'app', GOOD), changes);
      for (const mode of ['enforce', 'audit'] as const) {
        const { allowed, status } = await answerTo(body, { mode });
        expect({ allowed, code: status?.code }).toEqual({ allowed: false, code });
      }
      expect(await answerTo(body, { path: 'mutate' })).toMatchObject({ allowed: true });
    },
  );

  it('has no answer for what is no review', async () => {
    await expectCodeAsync(answerTo({ kind: 'Pod' }), 'admission_review_invalid');
  });
});

describe('the other path', () => {
  it.each(WORKLOAD_KINDS)('writes the digest beside the tags of a $kind', async (kind) => {
    const pinned = `registry.example/pinned@${DIGEST}`;
    const body = reviewOf(kind, workload(kind, 'app', GOOD, pinned, BAD, GOOD, 'nginx'));
    const answer = await answerTo(body, { ...BAD_DENIED, path: 'mutate' });
    expect(answer).toMatchObject({ allowed: true, patchType: 'JSONPatch' });
    const at = `${kind.at}/containers`;
    expect(patchOf(answer)).toEqual([
      { op: 'replace', path: `${at}/0/image`, value: `${GOOD}@${DIGEST}` },
      { op: 'replace', path: `${at}/3/image`, value: `${GOOD}@${DIGEST}` },
      { op: 'replace', path: `${at}/4/image`, value: `nginx@${DIGEST}` },
    ]);
  });

  it('writes nothing where nothing was resolved, refused or new', async () => {
    const skipped = { reason: 'skipped_by_policy', digest: null } as const;
    const verdicts = { [GOOD]: skipped, [BAD]: DENIED };
    const answer = await answerTo(podOf(GOOD, BAD), { path: 'mutate', verdicts });
    expect(answer).toMatchObject({ allowed: true });
    expect(answer).not.toHaveProperty('patch');
    const object = workload(POD, 'app', GOOD);
    const update = reviewOf(POD, object, { operation: 'UPDATE', oldObject: object });
    expect(await answerTo(update, { path: 'mutate' })).not.toHaveProperty('patch');
  });
});

describe('the verdicts of a review', () => {
  const uses = Array.from({ length: 30 }, (_, index) => ({
    ...{ role: 'container', name: 'app', image: `registry.example/a:${index}`, pointer: '' },
  }));
  const { signal } = new AbortController();

  it('are made several at a time, and come in order', async () => {
    const waiting: (() => void)[] = [];
    let atOnce = 0;
    // Once nobody comes any more, and backwards, so that the order is of the images alone.
    const letGo = () => {
      for (const one of waiting.splice(0).reverse()) one();
    };
    const verdicts = judgeImages(
      uses,
      async () => {
        await new Promise<void>((go) => {
          if (waiting.push(go) === 1) setImmediate(letGo);
          atOnce = Math.max(atOnce, waiting.length);
        });
        return verdictOf({});
      },
      60_000,
      signal,
    );
    expect((await verdicts).map(({ image }) => image)).toEqual(uses.map(({ image }) => image));
    expect(atOnce).toBe(8);
  });

  it('are all there when the deadline is', async () => {
    const ended = (_: string, within: AbortSignal) =>
      new Promise<ReturnType<typeof verdictOf>>((decide) => {
        const end = () => decide(verdictOf({ ...DENIED, reason: 'deadline_exceeded' }));
        if (within.aborted) end();
        within.addEventListener('abort', end);
      });
    const verdicts = await judgeImages(uses, ended, 20, signal);
    expect(new Set(verdicts.map(({ verdict }) => verdict.reason))).toEqual(
      new Set(['deadline_exceeded']),
    );
    expect(verdicts).toHaveLength(30);
  });
});
