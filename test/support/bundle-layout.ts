// OCI image layouts written by hand, with every way to get them wrong.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import { parseDigest } from '../../agent/oci/digest.ts';
import { temporaryDirectory } from './front-door.ts';
import { SIGNATURE_TYPE } from './registry.ts';

const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const SUBJECT = parseDigest(`sha256:${'ab'.repeat(32)}`);

/** A layout in a directory that ends with the test. */
export class TestLayout {
  readonly directory = temporaryDirectory();

  constructor() {
    mkdirSync(this.at('blobs/sha256'), { recursive: true });
    this.write('oci-layout', '{"imageLayoutVersion":"1.0.0"}');
  }

  at(path: string): string {
    return join(this.directory, path);
  }

  write(path: string, content: string | Uint8Array): void {
    writeFileSync(this.at(path), content);
  }

  /** Where the content of a descriptor is. */
  pathOf({ digest }: Pick<Descriptor, 'digest'>): string {
    return this.at(`blobs/${digest.replace(':', '/')}`);
  }

  add(content: string | Uint8Array, mediaType: string): Descriptor {
    const bytes = Buffer.from(content);
    const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    const descriptor = { mediaType, digest, size: bytes.length };
    writeFileSync(this.pathOf(descriptor), bytes);
    return descriptor;
  }

  addIndex(manifests: readonly object[], annotations: object = {}): Descriptor {
    const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
    return { ...this.add(JSON.stringify(index), OCI_INDEX), annotations: { ...annotations } };
  }

  writeIndex(manifests: readonly object[], annotations: object = {}): void {
    this.write('index.json', JSON.stringify({ schemaVersion: 2, manifests, annotations }));
  }
}

/** One with a signature of `SUBJECT`, which is no signature at all but is listed as one. */
export function layoutWithSignature(created = '2026-05-30T00:00:00Z') {
  const layout = new TestLayout();
  const manifest = layout.add('{}', 'application/vnd.oci.image.manifest.v1+json');
  const signature = { ...manifest, artifactType: SIGNATURE_TYPE };
  const other = { ...manifest, artifactType: `${SIGNATURE_TYPE}.other` };
  const referrers = layout.addIndex([signature, other], {
    'org.opencontainers.image.ref.name': SUBJECT.replace(':', '-'),
  });
  layout.writeIndex([referrers], { 'org.opencontainers.image.created': created });
  return { layout, signature, referrers };
}
