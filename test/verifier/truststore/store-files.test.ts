// Files of trust stores that change while they are read.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readStores } from '../../../agent/verifier/truststore/store-files.ts';
import { ConfigMapVolume, type VolumeFiles } from '../../support/config-map.ts';
import { expectCode } from '../../support/expect-code.ts';
import { temporaryDirectory } from '../../support/front-door.ts';

/** Two stores of two files, all of one generation. */
function generation(number: number): VolumeFiles {
  return Object.fromEntries(
    ['ca/acme/a', 'ca/acme/b', 'tsa/acme/a', 'tsa/acme/b'].map((file) => [
      `x509/${file}.pem`,
      `generation ${number}`,
    ]),
  );
}

/** Lets something happen whenever a file is about to be opened, until the test ends. */
function beforeOpening(action: (count: number) => void): void {
  const { openSync } = fs;
  let count = 0;
  fs.openSync = (...args) => {
    action(++count);
    return openSync(...args);
  };
  syncBuiltinESMExports();
  onTestFinished(() => {
    fs.openSync = openSync;
    syncBuiltinESMExports();
  });
}

function contentsOf(root: string): readonly string[] {
  return readStores(root, ['ca:acme', 'tsa:acme']).flatMap(({ files }) =>
    files.map(({ bytes }) => Buffer.from(bytes).toString()),
  );
}

describe('readStores', () => {
  it.each([1, 2, 3, 4])('reads one generation of a volume swapped at file %i', (at) => {
    const volume = new ConfigMapVolume(generation(1));
    expect(contentsOf(volume.path)).toEqual(Array(4).fill('generation 1'));
    beforeOpening((count) => {
      if (count === at) volume.swap(generation(2));
    });
    expect(contentsOf(volume.path)).toEqual(Array(4).fill('generation 2'));
  });

  it('reads one generation of a volume for each store and of links to its files', () => {
    const files = { 'a.pem': 'generation 1', 'b.pem': 'generation 1' };
    const volume = new ConfigMapVolume(files);
    const root = temporaryDirectory();
    fs.mkdirSync(join(root, 'x509/ca'), { recursive: true });
    fs.renameSync(volume.path, join(root, 'x509/ca/acme'));
    const moved = Object.assign(volume, { path: join(root, 'x509/ca/acme') });
    beforeOpening((count) => {
      if (count === 2) moved.swap({ 'a.pem': 'generation 2', 'b.pem': 'generation 2' });
    });
    const [store] = readStores(root, ['ca:acme']);
    expect(
      store?.files.map(({ name, bytes }) => `${name} ${Buffer.from(bytes).toString()}`),
    ).toEqual(['a.pem generation 2', 'b.pem generation 2']);
    expect(store?.warnings).toEqual([]);
  });

  it('gives up on a volume that is swapped whenever it is read', () => {
    const volume = new ConfigMapVolume(generation(1));
    beforeOpening((count) => {
      volume.swap(generation(count));
    });
    const { message } = expectCode(() => contentsOf(volume.path), 'truststore_invalid');
    expect(message).toBe(
      'trust stores ca:acme, tsa:acme: expected files that do not change while they are read',
    );
  });

  it('reads nothing outside the root through a directory that becomes a link', () => {
    const root = temporaryDirectory();
    const elsewhere = temporaryDirectory();
    const store = join(root, 'x509/ca/acme');
    fs.mkdirSync(store, { recursive: true });
    fs.writeFileSync(join(store, 'a.pem'), 'inside');
    fs.writeFileSync(join(elsewhere, 'a.pem'), 'outside');
    expect(readStores(root, ['ca:acme'])[0]?.files).toHaveLength(1);
    beforeOpening((count) => {
      if (count > 1) return;
      fs.renameSync(store, join(root, 'moved'));
      fs.symlinkSync(elsewhere, store);
    });
    const { message } = expectCode(() => readStores(root, ['ca:acme']), 'truststore_invalid');
    expect(message).toContain('expected a place inside ');
  });

  it('looks at nothing when no store is asked for', () => {
    expect(readStores('/nowhere', [])).toEqual([]);
  });
});
