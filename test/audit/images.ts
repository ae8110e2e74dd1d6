// Image records as containerd keeps them.
import type { NodeContainer } from '../../agent/audit/container.ts';
import type { ImageRecord } from '../../agent/audit/image-key.ts';
import type { Digest } from '../../agent/oci/digest.ts';

export const REPOSITORY = 'registry.example/app';
const MEDIA_TYPE = 'application/vnd.oci.image.index.v1+json';

export function digestOf(n: number): Digest {
  return `sha256:${n.toString(16).padStart(64, '0')}`;
}

export function recordOf(name: string, n: number): ImageRecord {
  return { name, target: { mediaType: MEDIA_TYPE, digest: digestOf(n), size: 1000 + n } };
}

/** The three records that a CRI pull of `repository:tag` leaves. */
export function pulledRecords(n: number, tag = 'v1', repository = REPOSITORY): ImageRecord[] {
  const names = [`${repository}:${tag}`, `${repository}@${digestOf(n)}`, digestOf(n + 0x1000)];
  return names.map((name) => recordOf(name, n));
}

/** A container of a pod that runs the image `images` name. */
export function containerOf(id: string, change: Partial<NodeContainer> = {}): NodeContainer {
  return {
    ...{ id, name: 'main', images: [], asked: '', createdAt: null },
    pod: { uid: `uid-${id}`, namespace: 'shop', name: `pod-${id}` },
    ...change,
  };
}
