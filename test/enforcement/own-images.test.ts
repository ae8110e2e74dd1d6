import { describe, expect, it } from 'vitest';
import { createCanaryContent } from '../../agent/enforcement/canary-content.ts';
import { isLeftover, OwnImages } from '../../agent/enforcement/own-images.ts';
import type { Digest } from '../../agent/oci/digest.ts';
import { contentOf, NONCE } from './fixture.ts';

const DIGEST: Digest = `sha256:${'ab'.repeat(32)}`;
const LEFT = `127.0.0.1:5000/nodeseal-canary/${NONCE}-signed@${DIGEST}`;

describe('the canaries of an agent', () => {
  it('are known by their content, under each of their names', () => {
    const own = new OwnImages();
    const content = contentOf();
    expect(own.hasDigest(content.images.signed.descriptor.digest)).toBe(false);
    own.remember(content);
    for (const { path, descriptor, configDigest } of Object.values(content.images)) {
      expect(own.hasDigest(descriptor.digest)).toBe(true);
      expect(own.hasName(`127.0.0.1:1/${path}@${descriptor.digest}`)).toBe(true);
      expect(own.hasName(configDigest)).toBe(true);
      // A name alone makes no canary.
      expect(own.hasName(`127.0.0.1:1/${path}@${DIGEST}`)).toBe(false);
      expect(own.hasName(`127.0.0.1:1/${path}`)).toBe(false);
    }
    expect(own.hasDigest(DIGEST)).toBe(false);
    expect(own.hasDigest(null)).toBe(false);
    expect(own.hasName('')).toBe(false);
  });

  it('are forgotten after a while', () => {
    const own = new OwnImages();
    const contents = Array.from({ length: 65 }, (_, n) =>
      createCanaryContent({
        nonce: n.toString(16).padStart(32, '0'),
        ...{ architecture: 'amd64', sign: () => Buffer.from('{}') },
      }),
    );
    for (const content of contents) own.remember(content);
    const known = contents.map(({ images }) => own.hasDigest(images.signed.descriptor.digest));
    expect(known).toEqual([false, ...Array.from({ length: 64 }, () => true)]);
  });

  it('are known to the agent that comes after one that was killed', () => {
    const runs: (readonly string[])[] = [];
    const memory = {
      remember: (digests: readonly string[]) => void runs.push(digests),
      recall: () => runs,
    };
    new OwnImages(memory).remember(contentOf());
    const next = new OwnImages(memory);
    for (const { descriptor, configDigest } of Object.values(contentOf().images)) {
      expect(next.hasDigest(descriptor.digest)).toBe(true);
      expect(next.hasName(configDigest)).toBe(true);
    }
  });
});

describe('a leftover', () => {
  it('has names of canaries and no others', () => {
    expect(isLeftover([LEFT])).toBe(true);
    expect(isLeftover([LEFT, LEFT.replace('-signed', '-unsigned').replace('5000', '1')])).toBe(
      true,
    );
    expect(isLeftover([LEFT, 'docker.io/library/busybox:latest'])).toBe(false);
    expect(isLeftover([])).toBe(false);
  });

  it.each([
    LEFT.replace('127.0.0.1', '127.0.0.2'),
    LEFT.replace('127.0.0.1', 'localhost'),
    LEFT.replace(':5000', ''),
    LEFT.replace('nodeseal-canary', 'nodeseal-canaries'),
    LEFT.replace(NONCE, NONCE.slice(1)),
    LEFT.replace('-signed', '-sign'),
    LEFT.replace(`@${DIGEST}`, ':latest'),
    `x${LEFT}`,
    `${LEFT}0`,
  ])('is not %s', (name) => {
    expect(isLeftover([name])).toBe(false);
  });
});
