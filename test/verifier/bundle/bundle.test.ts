import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Bundle, describeAge } from '../../../agent/verifier/bundle/bundle.ts';
import { layoutWithSignature, SUBJECT } from '../../support/bundle-layout.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { temporaryDirectory } from '../../support/front-door.ts';
import { SIGNATURE_TYPE } from '../../support/registry.ts';

const NEVER = new AbortController().signal;
const REPOSITORY = { registry: 'registry.example', repository: 'team/app' };
const NOW = new Date('2026-06-01T00:00:00Z');

function open(created?: string) {
  const made = layoutWithSignature(created);
  const bundle = new Bundle(made.layout.directory);
  return {
    ...made,
    bundle,
    list: () => bundle.list(SUBJECT, SIGNATURE_TYPE),
    fetch: () => bundle.content.fetchManifest(REPOSITORY, made.signature, NEVER),
  };
}

describe('a bundle', () => {
  it('lists the signatures of an image, and nothing else that refers to it', async () => {
    const { bundle, list, fetch, signature } = open();
    expect((await list()).descriptors.map(({ digest }) => digest)).toEqual([signature.digest]);
    expect(Buffer.from(await fetch()).toString()).toBe('{}');
    const other = `sha256:${'cd'.repeat(32)}` as const;
    expect((await bundle.list(other, SIGNATURE_TYPE)).descriptors).toEqual([]);
  });

  it('is read anew once its index is another', async () => {
    const { layout, list } = open();
    expect((await list()).descriptors).toHaveLength(1);
    layout.write('new', JSON.stringify({ schemaVersion: 2, manifests: [] }));
    renameSync(layout.at('new'), layout.at('index.json'));
    expect((await list()).descriptors).toEqual([]);
  });

  it.each([
    ['2026-05-31T21:00:00Z', '3 hours old'],
    ['2026-05-20T00:00:00Z', '12 days old'],
    ['2026-07-01T00:00:00Z', 'which is yet to come'],
  ])('made at %s says that it is %s', async (created, told) => {
    const { bundle } = open(created);
    expect(await describeAge(bundle, 'in', NOW)).toContain(told);
  });

  it('that says nothing of its age is told of as such', async () => {
    const { layout, bundle } = open();
    layout.writeIndex([]);
    expect(await describeAge(bundle, 'in', NOW)).toBe(
      'in a bundle that does not say how old it is',
    );
  });
});

type Opened = ReturnType<typeof open>;

describe('a bundle that is hostile', () => {
  it.each<[string, (opened: Opened) => void]>([
    ['is not there', ({ layout }) => rmSync(layout.directory, { recursive: true })],
    ['has no index', ({ layout }) => rmSync(layout.at('index.json'))],
    ['has no oci-layout', ({ layout }) => rmSync(layout.at('oci-layout'))],
    ['is of another version', ({ layout }) => layout.write('oci-layout', '{}')],
    ['has an index that is no JSON', ({ layout }) => layout.write('index.json', '{')],
    [
      'has a time that is none',
      ({ layout }) => layout.writeIndex([], { 'org.opencontainers.image.created': 'now' }),
    ],
    ['lacks a blob', ({ layout, referrers }) => rmSync(layout.pathOf(referrers))],
    [
      'has a directory for a blob',
      ({ layout, referrers }) => {
        rmSync(layout.pathOf(referrers));
        mkdirSync(layout.pathOf(referrers));
      },
    ],
    [
      'has a pipe for a blob',
      ({ layout, referrers }) => {
        rmSync(layout.pathOf(referrers));
        execFileSync('mkfifo', [layout.pathOf(referrers)]);
      },
    ],
    [
      'has a blob elsewhere, by a link',
      ({ layout, referrers }) => {
        const elsewhere = join(temporaryDirectory(), 'blob');
        renameSync(layout.pathOf(referrers), elsewhere);
        symlinkSync(elsewhere, layout.pathOf(referrers));
      },
    ],
    [
      'has all blobs elsewhere, by a link',
      ({ layout }) => {
        const elsewhere = join(temporaryDirectory(), 'blobs');
        renameSync(layout.at('blobs'), elsewhere);
        symlinkSync(elsewhere, layout.at('blobs'));
      },
    ],
  ])('because it %s is refused', async (_, damage) => {
    const opened = open();
    expect((await opened.list()).descriptors).toHaveLength(1);
    damage(opened);
    const afresh = new Bundle(opened.layout.directory);
    await expectCodeAsync(afresh.list(SUBJECT, SIGNATURE_TYPE), 'bundle_invalid');
  });

  it('with an index that is huge is not read', async () => {
    const { layout, list } = open();
    truncateSync(layout.at('index.json'), 5 * 1024 * 1024 * 1024);
    await expectCodeAsync(list(), 'content_too_large');
  });

  it('with other content than a digest says is refused', async () => {
    const { layout, signature, fetch } = open();
    writeFileSync(layout.pathOf(signature), '[]');
    await expectCodeAsync(fetch(), 'content_mismatch');
  });

  it('with content that is longer than its descriptor says is refused', async () => {
    const { bundle, signature } = open();
    const shorter = { ...signature, size: 1 };
    await expectCodeAsync(
      bundle.content.fetchManifest(REPOSITORY, shorter, NEVER),
      'content_mismatch',
    );
  });

  it('with a descriptor that is larger than its limit is refused unread', async () => {
    const { bundle, signature } = open();
    const larger = { ...signature, size: 2 ** 40 };
    await expectCodeAsync(
      bundle.content.fetchBlob(REPOSITORY, larger, 1024, NEVER),
      'content_too_large',
    );
  });

  it.each(['sha256:../../../../etc/passwd', `sha256:${'../'.repeat(21)}a`])(
    'with the digest %s has no such entry',
    async (digest) => {
      const { layout, list } = open();
      layout.writeIndex([{ mediaType: 'a/b', size: 1, digest }]);
      expect((await list()).descriptors).toEqual([]);
    },
  );
});
