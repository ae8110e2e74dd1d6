import { describe, expect, it } from 'vitest';
import { createCanaryContent } from '../../agent/enforcement/canary-content.ts';
import { parseManifest } from '../../agent/oci/manifest.ts';
import { contentOf, NONCE, sha256 } from './fixture.ts';

const { images, resources } = contentOf();
const bytesAt = (path: string): Buffer => {
  const resource = resources.get(path);
  if (resource === undefined) throw new TypeError(`nothing at ${path}`);
  return resource.bytes;
};
const jsonAt = (path: string): Record<string, unknown> =>
  JSON.parse(bytesAt(path).toString()) as Record<string, unknown>;

describe("the canary's content", () => {
  it('is at its digest, of a few hundred bytes each', () => {
    for (const [path, { digest, bytes }] of resources) {
      expect(digest).toBe(sha256(bytes));
      if (path.includes('/blobs/')) expect(path.endsWith(digest)).toBe(true);
      expect(bytes.length).toBeLessThan(2048);
    }
  });

  it.each(['signed', 'unsigned'] as const)('has a whole %s image', (kind) => {
    const { path, descriptor, configDigest } = images[kind];
    expect(path).toBe(`nodeseal-canary/${NONCE}-${kind}`);
    const bytes = bytesAt(`/v2/${path}/manifests/${descriptor.digest}`);
    expect(bytes.length).toBe(descriptor.size);
    const manifest = parseManifest(JSON.parse(bytes.toString()), descriptor.mediaType, kind);
    if (manifest.kind !== 'image') throw new TypeError('expected an image');
    expect(manifest.config.digest).toBe(configDigest);
    expect(manifest.layers).toHaveLength(1);
    const layer = bytesAt(`/v2/${path}/blobs/${manifest.layers[0]?.digest ?? ''}`);
    expect(jsonAt(`/v2/${path}/blobs/${configDigest}`)).toMatchObject({
      architecture: 'arm64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [sha256(layer)] },
    });
    // An archive without an entry ends at once: unpacking it writes nothing to the node.
    expect(layer.subarray(0, 1024)).toEqual(Buffer.alloc(1024));
  });

  it('has a signature of the signed image alone, by API and by tag', () => {
    const { path, descriptor } = images.signed;
    const listed = jsonAt(`/v2/${path}/referrers/${descriptor.digest}`);
    expect(jsonAt(`/v2/${path}/manifests/${descriptor.digest.replace(':', '-')}`)).toEqual(listed);
    expect(listed['manifests']).toHaveLength(1);
    const lists = [...resources.keys()].filter((key) => /referrers|sha256-/.test(key));
    expect(lists.every((key) => key.includes(path))).toBe(true);
    expect(lists).toHaveLength(2);
  });

  it('shares nothing with another run', () => {
    const other = createCanaryContent({
      ...{ nonce: 'f'.repeat(32), architecture: 'arm64', sign: () => Buffer.from('{}') },
    });
    const digests = new Set(
      [...resources].filter(([, { bytes }]) => bytes.length > 2).map(([, { digest }]) => digest),
    );
    const shared = [...other.resources.values()].filter(({ digest }) => digests.has(digest));
    expect(shared).toEqual([]);
  });
});
