import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Bundle } from '../../../agent/verifier/bundle/bundle.ts';
import { LayoutWriter } from '../../../agent/verifier/bundle/layout-writer.ts';
import { OCI_INDEX } from '../../../agent/oci/media-types.ts';
import { SUBJECT } from '../../support/bundle-layout.ts';
import { temporaryDirectory } from '../../support/front-door.ts';
import { SIGNATURE_TYPE } from '../../support/registry.ts';

const NOW = new Date('2026-06-01T00:00:00Z');
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const NEVER = new AbortController().signal;
const REPOSITORY = { registry: 'registry.example', repository: 'team/app' };

/** Writes a bundle with one signature, which `content` makes another. */
async function write(directory: string, content: string) {
  const writer = await LayoutWriter.open(directory);
  try {
    const envelope = await writer.add(Buffer.from(content), 'application/jose+json');
    const config = await writer.add(Buffer.from('{}'), 'application/vnd.oci.empty.v1+json');
    const signature = await writer.addJson({
      ...{ schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType: SIGNATURE_TYPE },
      ...{ config, layers: [envelope] },
    });
    const manifests = [{ ...signature, artifactType: SIGNATURE_TYPE }];
    const list = await writer.addJson({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
    const name = { 'org.opencontainers.image.ref.name': SUBJECT.replace(':', '-') };
    await writer.finish([{ ...list, annotations: name }], NOW, NEVER);
    return [envelope, signature, list].map(({ digest }) => pathOf(directory, digest));
  } finally {
    await writer.close();
  }
}

function pathOf(directory: string, digest: string): string {
  return join(directory, 'blobs', digest.replace(':', '/'));
}

describe('a bundle that is written over', () => {
  it('keeps what the one before names, for who is reading it, and nothing older', async () => {
    const directory = temporaryDirectory();
    const first = await write(directory, 'first');
    const second = await write(directory, 'second');
    expect([...first, ...second].filter((path) => !existsSync(path))).toEqual([]);
    const third = await write(directory, 'third');
    expect(first.filter((path) => existsSync(path))).toEqual([]);
    expect([...second, ...third].filter((path) => !existsSync(path))).toEqual([]);
    expect(readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });

  it('never fails who reads it meanwhile', async () => {
    const directory = temporaryDirectory();
    await write(directory, '0');
    const reader = new Bundle(directory);
    for (let turn = 1; turn <= 20; turn++) {
      const { descriptors } = await reader.list(SUBJECT, SIGNATURE_TYPE);
      const [listed] = descriptors;
      if (listed === undefined) throw new TypeError('none listed');
      const [bytes] = await Promise.all([
        // What was listed before is fetched while and after the next is written.
        reader.content.fetchManifest(REPOSITORY, listed, NEVER),
        write(directory, String(turn)),
      ]);
      expect(bytes.length).toBe(listed.size);
      await reader.content.fetchManifest(REPOSITORY, listed, NEVER);
    }
    // Three files for each of two bundles, and the empty configuration.
    expect(readdirSync(join(directory, 'blobs/sha256'))).toHaveLength(7);
  });

  it('stays whole where what was there cannot be read', async () => {
    const directory = temporaryDirectory();
    const [envelope = ''] = await write(directory, 'first');
    renameSync(join(directory, 'index.json'), join(directory, 'lost'));
    await write(directory, 'second');
    expect(existsSync(envelope)).toBe(false);
    const { descriptors } = await new Bundle(directory).list(SUBJECT, SIGNATURE_TYPE);
    expect(descriptors).toHaveLength(1);
  });

  it('keeps what another prepares meanwhile, unless that was killed long ago', async () => {
    const directory = temporaryDirectory();
    const [envelope = ''] = await write(directory, 'first');
    const other = join(directory, '.writing-other');
    mkdirSync(other);
    await write(directory, 'second');
    await write(directory, 'third');
    expect([existsSync(envelope), existsSync(other)]).toEqual([false, true]);
    utimesSync(other, NOW, new Date(Date.now() - 25 * 3600 * 1000));
    await write(directory, 'fourth');
    expect(existsSync(other)).toBe(false);
  });

  it('is tidied up of nothing but content', async () => {
    const directory = temporaryDirectory();
    for (const content of ['first', 'second']) await write(directory, content);
    const note = join(directory, 'blobs/sha256/note');
    writeFileSync(note, '');
    await write(directory, 'third');
    expect(existsSync(note)).toBe(true);
  });

  it('is tidied up through no link', async () => {
    const directory = temporaryDirectory();
    const [envelope = ''] = await write(directory, 'first');
    const elsewhere = join(temporaryDirectory(), 'sha256');
    renameSync(join(directory, 'blobs/sha256'), elsewhere);
    symlinkSync(elsewhere, join(directory, 'blobs/sha256'));
    for (const content of ['second', 'third']) await write(directory, content);
    expect(existsSync(envelope)).toBe(true);
  });
});
