// Trust stores on a real file system: directories, volumes of links, and what must not be followed.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrustStoreName } from '../../../agent/notation/trustpolicy/trust-store-name.ts';
import {
  loadTrustStores,
  MAX_STORE_CERTIFICATES,
} from '../../../agent/verifier/truststore/load.ts';
import {
  MAX_STORE_BYTES,
  MAX_STORE_FILE_BYTES,
} from '../../../agent/verifier/truststore/store-files.ts';
import { MAX_STORE_ENTRIES } from '../../../agent/verifier/truststore/store-location.ts';
import { createCa } from '../../support/ca.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';

const ca = createCa();
const other = createCa({ name: 'Other' });

let base: string;
let root: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'truststore-'));
  root = join(base, 'truststore');
  await put('x509/ca/acme/root.pem', ca.root.pem);
});
afterEach(() => rm(base, { recursive: true, force: true }));

/** Writes a file below the root, with the directories above it. */
async function put(path: string, content: string | Uint8Array): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

async function link(target: string, path: string): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await symlink(target, file);
}

/** How many certificates each store has, and the warnings. */
async function load(...names: TrustStoreName[]) {
  const { stores, warnings } = await loadTrustStores(root, names.length > 0 ? names : ['ca:acme']);
  return {
    counts: Object.fromEntries(stores.map(({ name, certificates }) => [name, certificates.length])),
    warnings,
  };
}

describe('loadTrustStores', () => {
  it('loads PEM and DER from the stores that are named, and no others', async () => {
    await put('x509/ca/acme/other.crt', other.root.der);
    await put('x509/signingAuthority/acme/bundle', `${ca.root.pem}${other.root.pem}`);
    await put('x509/ca/broken/readme', 'not a certificate');
    expect(await load('ca:acme', 'signingAuthority:acme')).toEqual({
      counts: { 'ca:acme': 2, 'signingAuthority:acme': 2 },
      warnings: [],
    });
  });

  it('loads a store once that is named twice', async () => {
    const { stores } = await loadTrustStores(root, ['ca:acme', 'ca:acme']);
    expect(stores).toHaveLength(1);
  });

  it('loads nothing for no names', async () => {
    expect((await loadTrustStores(root, [])).stores).toEqual([]);
  });

  it('has one hash for the same certificates in other files', async () => {
    const before = await loadTrustStores(root, ['ca:acme']);
    await rm(join(root, 'x509/ca/acme/root.pem'));
    await put('x509/ca/acme/renamed.der', ca.root.der);
    const renamed = await loadTrustStores(root, ['ca:acme']);
    expect(renamed.hash).toBe(before.hash);
    await put('x509/ca/acme/other.pem', other.root.pem);
    expect((await loadTrustStores(root, ['ca:acme'])).hash).not.toBe(before.hash);
  });

  it('follows the links of a ConfigMap volume, without warnings about its own directories', async () => {
    await put('x509/ca/volume/..2024_01_01/root.pem', ca.root.pem);
    await link('..2024_01_01', 'x509/ca/volume/..data');
    await link('..data/root.pem', 'x509/ca/volume/root.pem');
    expect(await load('ca:volume')).toEqual({ counts: { 'ca:volume': 1 }, warnings: [] });
  });

  it('takes the new content after the volume has swapped its link', async () => {
    await put('x509/ca/volume/..1/root.pem', ca.root.pem);
    await put('x509/ca/volume/..2/root.pem', `${ca.root.pem}${other.root.pem}`);
    await link('..1', 'x509/ca/volume/..data');
    await link('..data/root.pem', 'x509/ca/volume/root.pem');
    expect((await load('ca:volume')).counts).toEqual({ 'ca:volume': 1 });
    await rm(join(root, 'x509/ca/volume/..data'));
    await link('..2', 'x509/ca/volume/..data');
    expect((await load('ca:volume')).counts).toEqual({ 'ca:volume': 2 });
  });

  it('takes a root that is itself a link, and stores linked inside it', async () => {
    await link('acme', 'x509/ca/alias');
    await symlink(root, join(base, 'current'));
    const { stores } = await loadTrustStores(join(base, 'current'), ['ca:alias']);
    expect(stores[0]?.certificates).toHaveLength(1);
  });

  it('ignores directories in a store with a warning', async () => {
    await put('x509/ca/acme/old/expired.pem', 'not a certificate');
    await link('old', 'x509/ca/acme/older');
    expect(await load()).toEqual({
      counts: { 'ca:acme': 1 },
      warnings: [expect.stringContaining('"old"'), expect.stringContaining('"older"')],
    });
  });

  describe('links out of the root', () => {
    beforeEach(async () => {
      await mkdir(join(base, 'elsewhere'));
      await writeFile(join(base, 'elsewhere', 'root.pem'), other.root.pem);
    });

    it.each([
      ['a file by an absolute link', 'x509/ca/acme/x.pem', () => join(base, 'elsewhere/root.pem')],
      ['a file by a relative link', 'x509/ca/acme/x.pem', () => '../../../../elsewhere/root.pem'],
      ['a directory in a store', 'x509/ca/acme/x', () => join(base, 'elsewhere')],
      [
        'a link that is named like those of volumes',
        'x509/ca/acme/..x',
        () => '../../../../elsewhere',
      ],
    ])('refuses %s', async (_, path, target) => {
      await link(target(), path);
      const { message } = await expectCodeAsync(load(), 'truststore_invalid');
      expect(message).toMatch(/^trust store ca:acme, file .*: expected a place inside /);
    });

    it('refuses a store that is elsewhere', async () => {
      await link(join(base, 'elsewhere'), 'x509/ca/linked');
      await expectCodeAsync(load('ca:linked'), 'truststore_invalid');
    });

    it('refuses a sibling whose name begins like the root', async () => {
      await mkdir(`${root}-other`);
      await writeFile(join(`${root}-other`, 'root.pem'), other.root.pem);
      await link(join(`${root}-other`, 'root.pem'), 'x509/ca/acme/x.pem');
      await expectCodeAsync(load(), 'truststore_invalid');
    });
  });

  it.each(['ca:..', 'ca:.', 'ca:../ca/acme', 'ca:/etc', 'acme', 'ca:', 'root:acme', 'ca:a\0'])(
    'refuses the name %j',
    async (name) => {
      await expectCodeAsync(load(name as TrustStoreName), 'truststore_invalid');
    },
  );

  it('refuses a root or a store that does not exist', async () => {
    await expectCodeAsync(load('ca:absent'), 'truststore_missing');
    await expectCodeAsync(load('tsa:acme'), 'truststore_missing');
    const absent = loadTrustStores(join(base, 'absent'), ['ca:acme']);
    await expectCodeAsync(absent, 'truststore_missing');
  });

  it('refuses a store without certificates', async () => {
    await mkdir(join(root, 'x509/ca/empty'));
    const { message } = await expectCodeAsync(load('ca:empty'), 'truststore_missing');
    expect(message).toBe('trust store ca:empty: expected at least one certificate, found none');
  });

  it('refuses a store that is a file, and a link to nothing', async () => {
    await put('x509/ca/file', ca.root.pem);
    await expectCodeAsync(load('ca:file'), 'truststore_invalid');
    await link('gone.pem', 'x509/ca/acme/x.pem');
    await expectCodeAsync(load(), 'truststore_invalid');
  });

  it('refuses all stores when one file of one is bad, and names it', async () => {
    await put('x509/ca/other/leaf.pem', ca.issue().pem);
    const { message } = await expectCodeAsync(load('ca:acme', 'ca:other'), 'truststore_invalid');
    expect(message).toMatch(
      /^trust store ca:other, file "leaf\.pem", certificate 1: expected a CA/,
    );
  });

  it('refuses a pipe without waiting for its writer', async () => {
    execFileSync('mkfifo', [join(root, 'x509/ca/acme/pipe')]);
    await expectCodeAsync(load(), 'truststore_invalid');
  });

  it('refuses a file beyond the limit, and takes one at the limit', async () => {
    await put('x509/ca/acme/root.pem', ca.root.pem.padEnd(MAX_STORE_FILE_BYTES, '\n'));
    expect((await load()).counts).toEqual({ 'ca:acme': 1 });
    await put('x509/ca/acme/root.pem', ca.root.pem.padEnd(MAX_STORE_FILE_BYTES + 1, '\n'));
    await expectCodeAsync(load(), 'truststore_invalid');
  });

  it('refuses a store beyond its limit, and takes one at the limit', async () => {
    const full = ca.root.pem.padEnd(MAX_STORE_FILE_BYTES, '\n');
    const count = MAX_STORE_BYTES / MAX_STORE_FILE_BYTES;
    await put('x509/ca/acme/root.pem', full);
    for (let number = 1; number < count; number++) await put(`x509/ca/acme/${number}.pem`, full);
    expect((await load()).counts).toEqual({ 'ca:acme': count });
    await put('x509/ca/acme/z.pem', ca.root.pem);
    const { message } = await expectCodeAsync(load(), 'truststore_invalid');
    expect(message).toContain(`at most ${MAX_STORE_BYTES} bytes in its store`);
  });

  it('refuses more certificates than the limit', async () => {
    const half = ca.root.pem.repeat(MAX_STORE_CERTIFICATES / 2);
    await put('x509/ca/acme/root.pem', half);
    await put('x509/ca/acme/more.pem', half);
    expect((await load()).counts).toEqual({ 'ca:acme': MAX_STORE_CERTIFICATES });
    await put('x509/ca/acme/one-more.pem', ca.root.pem);
    await expectCodeAsync(load(), 'truststore_invalid');
  });

  it('refuses more files than the limit', async () => {
    const names = Array.from({ length: MAX_STORE_ENTRIES }, (_, number) => `${number}.pem`);
    await Promise.all(names.map((name) => put(`x509/ca/acme/${name}`, '')));
    const { message } = await expectCodeAsync(load(), 'truststore_invalid');
    expect(message).toContain('at most 1000 files');
  });
});
