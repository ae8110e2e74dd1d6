// The record of what is installed: read back as it was written, refused when somebody changed it.
import { describe, expect, it } from 'vitest';
import { encodeManifest, type Manifest, parseManifest } from '../../../agent/node/host/manifest.ts';
import { expectCode } from '../../support/expect-code.ts';

const OURS = '/etc/containerd/notation-policy.json';
const MANIFEST: Manifest = {
  files: new Map([[OURS, ['0'.repeat(64), 'f'.repeat(64)]]]),
  directories: ['/etc/containerd'],
  originals: new Map([[OURS, { sha256: 'a'.repeat(64), mode: 0o640, uid: 1, gid: 2 }]]),
};
const parse = (bytes: Uint8Array): Manifest => parseManifest(bytes, (path) => path === OURS);

describe('the record of what is installed', () => {
  it('is read back as it was written', () => {
    expect(parse(encodeManifest(MANIFEST))).toEqual(MANIFEST);
  });

  it('is read as it was written before originals were kept', () => {
    const { originals, ...document } = JSON.parse(
      Buffer.from(encodeManifest(MANIFEST)).toString(),
    ) as Record<string, unknown>;
    expect(originals).toHaveLength(1);
    const parsed = parse(Buffer.from(JSON.stringify(document)));
    expect(parsed).toEqual({ ...MANIFEST, originals: new Map() });
  });

  it.each<[string, Record<string, unknown>]>([
    ['another version', { version: 2 }],
    ['no list of files', { files: {} }],
    ['a file that is not ours', { files: [{ path: '/etc/passwd', sha256: ['0'.repeat(64)] }] }],
    ['a file without a digest', { files: [{ path: OURS, sha256: [] }] }],
    ['a digest that is none', { files: [{ path: OURS, sha256: ['0'] }] }],
    ['a relative directory', { directories: ['etc'] }],
    ['a directory that leads elsewhere', { directories: ['/etc/../root'] }],
  ])('is refused with %s', (_, broken) => {
    const good = JSON.parse(Buffer.from(encodeManifest(MANIFEST)).toString()) as object;
    const text = JSON.stringify({ ...good, ...broken });
    expectCode(() => parse(Buffer.from(text)), 'host_write_failed');
  });

  it('is refused when it is nested deeper than can be shown', () => {
    const version = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    expectCode(() => parse(Buffer.from(`{"version":${version}}`)), 'host_write_failed');
  });
});
