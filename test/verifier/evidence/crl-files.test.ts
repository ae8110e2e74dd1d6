import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CrlFiles } from '../../../agent/verifier/evidence/crl-files.ts';
import { mintCrl } from '../../support/crl.ts';
import { testKey } from '../../support/keys.ts';
import { serialOf } from '../../support/ocsp.ts';
import { openEvidenceServer, serveBytes } from '../../support/ocsp-server.ts';
import {
  check,
  hoursFromNow,
  ISSUER,
  issueNaming,
  NOW,
  openFolder,
  openSource,
  TestClock,
} from './fixture.ts';

const LIMITS = { maxFileBytes: 100, maxBytes: 250 };
const BYTES = Buffer.alloc(90, 1);

function file(fetchedAt = NOW) {
  return { bytes: BYTES, fetchedAt };
}

describe('CRLs on disk', () => {
  it('come back as they were saved, with the time of fetching', async () => {
    const folder = join(await openFolder(), 'made', 'when needed');
    const files = new CrlFiles(folder, LIMITS);
    expect(await files.load('a')).toBeUndefined();
    await files.save('a', file());
    expect(await new CrlFiles(folder, LIMITS).load('a')).toEqual(file());
    expect(await files.load('b')).toBeUndefined();
    const [name = ''] = await readdir(folder);
    expect(name).toMatch(/^[0-9a-f]{64}\.crl$/);
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  });

  it('are replaced whole', async () => {
    const folder = await openFolder();
    const files = new CrlFiles(folder, LIMITS);
    await files.save('a', file());
    await files.save('a', { bytes: BYTES.subarray(1), fetchedAt: hoursFromNow(1) });
    expect(await files.load('a')).toEqual({ bytes: BYTES.subarray(1), fetchedAt: hoursFromNow(1) });
    expect(await readdir(folder)).toHaveLength(1);
  });

  it('make room for new ones, the oldest first, leftovers too', async () => {
    const folder = await openFolder();
    const files = new CrlFiles(folder, LIMITS);
    const leftover = `${'0'.repeat(64)}.crl.00000000-0000-0000-0000-000000000000.tmp`;
    await writeFile(join(folder, leftover), BYTES);
    await utimes(join(folder, leftover), hoursFromNow(-9), hoursFromNow(-9));
    await writeFile(join(folder, 'not ours'), BYTES);
    for (const [index, key] of ['a', 'b', 'c'].entries())
      await files.save(key, file(hoursFromNow(index)));
    expect(await files.load('a')).toBeUndefined();
    expect(await files.load('b')).toBeDefined();
    expect(await files.load('c')).toBeDefined();
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(await readFile(join(folder, 'not ours'))).toEqual(BYTES);
  });

  it('that are too large, or no files, are not there', async () => {
    const folder = await openFolder();
    const files = new CrlFiles(folder, LIMITS);
    await files.save('a', file());
    const [name = ''] = await readdir(folder);
    await writeFile(join(folder, name), Buffer.alloc(101));
    expect(await files.load('a')).toBeUndefined();
    const other = new CrlFiles(join(folder, name), LIMITS);
    await other.save('a', file());
    expect(await other.load('a')).toBeUndefined();
    const elsewhere = await openFolder();
    await mkdir(join(elsewhere, name));
    await new CrlFiles(elsewhere, LIMITS).save('a', file());
    expect(await new CrlFiles(elsewhere, LIMITS).load('a')).toBeUndefined();
    expect(await readdir(elsewhere)).toEqual([name]);
  });
});

describe('a source with a folder', () => {
  async function openKept(next = 100) {
    const cacheDir = await openFolder();
    const server = await openEvidenceServer();
    const leaf = issueNaming([], [[`${server.url}/1.crl`]]);
    const nextUpdate = hoursFromNow(next);
    server.routes.set('/1.crl', serveBytes(mintCrl(ISSUER, { now: NOW, nextUpdate })));
    const clock = new TestClock();
    const open = () => openSource({ cacheDir, clock });
    expect((await check(open(), leaf)).kind).toBe('good');
    const [name = ''] = await readdir(cacheDir);
    return { server, leaf, clock, open, path: join(cacheDir, name), nextUpdate };
  }

  it('touches no file before it checks', async () => {
    const cacheDir = join(await openFolder(), 'none');
    openSource({ cacheDir });
    await expect(readdir(cacheDir)).rejects.toThrow('ENOENT');
  });

  it.each([
    ['torn', (good: Buffer) => good.subarray(0, good.length - 9)],
    ['forged', () => mintCrl(ISSUER, { now: NOW, signingKey: testKey('p256', 'forger') })],
    ['out of date', () => mintCrl(ISSUER, { now: hoursFromNow(-48) })],
    ['empty', () => Buffer.alloc(0)],
  ])('fetches anew what is %s there', async (_, tamper) => {
    const { server, leaf, open, path } = await openKept();
    const good = await readFile(path);
    await writeFile(path, tamper(good));
    expect((await check(open(), leaf)).kind).toBe('good');
    expect(server.requests).toHaveLength(2);
    expect(await readFile(path)).toEqual(good);
  });

  it('fetches again what is no longer fresh, and uses the old where that fails', async () => {
    const { server, leaf, clock, open } = await openKept();
    clock.time = hoursFromNow(5);
    await check(open(), leaf);
    expect(server.requests).toHaveLength(1);
    clock.time = hoursFromNow(6);
    server.routes.clear();
    expect((await check(open(), leaf)).kind).toBe('good');
    expect(server.requests).toHaveLength(2);
  });

  it('does not trust a time in the future', async () => {
    const { server, leaf, open, path } = await openKept();
    await utimes(path, hoursFromNow(99), hoursFromNow(99));
    await check(open(), leaf);
    expect(server.requests).toHaveLength(2);
  });

  it('does not save an older one over a newer one', async () => {
    const { server, leaf, clock, open, path, nextUpdate } = await openKept();
    const entries = [{ serialNumber: serialOf(leaf) }];
    const thisUpdate = hoursFromNow(6);
    const revoking = mintCrl(ISSUER, { thisUpdate, nextUpdate, entries });
    const replayed = server.routes.get('/1.crl');
    server.routes.set('/1.crl', serveBytes(revoking));
    clock.time = hoursFromNow(7);
    expect((await check(open(), leaf)).kind).toBe('revoked');
    if (replayed !== undefined) server.routes.set('/1.crl', replayed);
    clock.time = hoursFromNow(14);
    expect((await check(open(), leaf)).kind).toBe('revoked');
    expect(server.requests).toHaveLength(3);
    expect(await readFile(path)).toEqual(revoking);
  });

  it('does without it when it cannot be written', async () => {
    const { leaf } = await openKept();
    const file = join(await openFolder(), 'file');
    await writeFile(file, '');
    await chmod(file, 0o400);
    expect((await check(openSource({ cacheDir: file }), leaf)).kind).toBe('good');
  });
});
