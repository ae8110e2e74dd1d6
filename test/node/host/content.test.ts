// What a file to install holds, for who asks again and again: read once, and again after any change.
import { renameSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { contentOfBytes, contentOfFile, KnownContent } from '../../../agent/node/host/content.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot } from '../../support/host-root.ts';

/** So long after a change that the next one has another time. */
const LATER_MS = 10_000;

let path: string;
let reads: number;
beforeEach(() => {
  path = join(createHostRoot(), 'verifier');
  reads = 0;
  writeFileSync(path, 'one');
});

function knownContent(passedMs: number): KnownContent {
  const read = (file: string) => {
    reads++;
    return contentOfFile(file);
  };
  return new KnownContent(read, () => Date.now() + passedMs);
}

describe('what a file holds', () => {
  it('is read once while the file is the same', async () => {
    const known = knownContent(LATER_MS);
    const first = await known.of(path);
    expect(first.sha256).toBe(contentOfBytes(Buffer.from('one')).sha256);
    expect(await known.of(path)).toEqual(first);
    expect(reads).toBe(1);
  });

  it.each([
    ['it is written', () => writeFileSync(path, 'longer')],
    [
      'it has another time',
      () => {
        writeFileSync(path, 'two');
        utimesSync(path, 1, 1);
      },
    ],
    [
      'another takes its place',
      () => {
        writeFileSync(`${path}.new`, 'two');
        renameSync(`${path}.new`, path);
      },
    ],
  ])('is read again when %s', async (_, change) => {
    const known = knownContent(LATER_MS);
    await known.of(path);
    change();
    expect(await known.of(path)).toEqual(await contentOfFile(path));
    expect(reads).toBe(2);
  });

  it('is read again when it changed so lately that another change may not show', async () => {
    const known = knownContent(0);
    await known.of(path);
    writeFileSync(path, 'two');
    expect((await known.of(path)).sha256).toBe(contentOfBytes(Buffer.from('two')).sha256);
    await known.of(path);
    expect(reads).toBe(3);
  });

  it('is not known once the file is gone', async () => {
    const known = knownContent(LATER_MS);
    await known.of(path);
    unlinkSync(path);
    await expectCodeAsync(known.of(path), 'host_write_failed');
  });
});
