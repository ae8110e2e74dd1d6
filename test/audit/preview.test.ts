// A preview judges every image by both policies, a few at a time, and says which would change sides.
import { describe, expect, it } from 'vitest';
import type { ImageUse, NodeImage } from '../../agent/audit/node-images.ts';
import { type Judge, previewImages, refusedInUse } from '../../agent/audit/preview.ts';
import { verdictOf } from '../support/verdict.ts';
import { digestOf } from './images.ts';

const { signal } = new AbortController();
const DENIED = verdictOf({ decision: 'deny', reason: 'signature_missing' });

function image(n: number, use: ImageUse = 'unused'): NodeImage {
  const repository = `a.example/${n}`;
  const digest = digestOf(n);
  const name = `${repository}@${digest}`;
  const descriptor = { mediaType: 'application/a', digest, size: 1 };
  return { repository, digest, name, names: [name], descriptor, use };
}

const allow: Judge = () => Promise.resolve(verdictOf({}));
const deny: Judge = () => Promise.resolve(DENIED);
const quiet = { onProgress: () => undefined };

describe('previewImages', () => {
  it.each([
    [allow, deny, 'would_be_refused'],
    [deny, allow, 'would_be_allowed'],
    [allow, allow, 'none'],
    [deny, deny, 'none'],
    [null, deny, 'no_policy_yet'],
    [null, allow, 'no_policy_yet'],
  ])('says which side an image changes to (%#)', async (current, candidate, change) => {
    const [found] = await previewImages([image(1)], { ...quiet, current, candidate }, signal);
    expect(found).toMatchObject({ change, current: current === null ? null : {} });
  });

  it('keeps the order, judges by name and content, and no more than four at once', async () => {
    const images = Array.from({ length: 9 }, (_, n) => image(n + 1));
    const asked: string[] = [];
    const progress: string[] = [];
    let [running, most] = [0, 0];
    const candidate: Judge = async ({ name, descriptor }) => {
      asked.push(`${name} ${descriptor?.digest ?? ''}`);
      most = Math.max(most, (running += 1));
      await new Promise(setImmediate);
      running -= 1;
      return verdictOf({});
    };
    const onProgress = (done: number, total: number) => progress.push(`${done}/${total}`);
    const found = await previewImages(images, { candidate, current: null, onProgress }, signal);
    expect(found.map((one) => one.image)).toEqual(images);
    expect(asked.sort()).toEqual(images.map(({ name, digest }) => `${name} ${digest}`).sort());
    expect(most).toBe(4);
    expect(progress.at(-1)).toBe('9/9');
  });

  it('ends with the signal', async () => {
    const stopped = AbortSignal.abort(new Error('stopped'));
    const preview = previewImages(
      [image(1)],
      { ...quiet, candidate: allow, current: null },
      stopped,
    );
    await expect(preview).rejects.toThrow('stopped');
  });
});

it('counts images in use that would be refused, also those that are refused today', async () => {
  const images = [image(1, 'pause'), image(2, 'running'), image(3)];
  const find = (candidate: Judge) =>
    previewImages(images, { ...quiet, candidate, current: deny }, signal);
  expect(refusedInUse(await find(deny)).map((one) => one.image.use)).toEqual(['pause', 'running']);
  expect(refusedInUse(await find(allow))).toEqual([]);
});
