// A directory as the kubelet keeps a ConfigMap volume: links through `..data` to the generation that counts.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Contents by path below the volume. */
export type VolumeFiles = Readonly<Record<string, string | Uint8Array>>;

/** A volume that ends with the test. */
export class ConfigMapVolume {
  readonly path = mkdtempSync(join(tmpdir(), 'nodeseal-volume-'));
  #generation = 0;

  constructor(files: VolumeFiles) {
    onTestFinished(() => rmSync(this.path, { recursive: true, force: true }));
    this.swap(files);
    for (const top of new Set(Object.keys(files).map((path) => path.split('/')[0] ?? ''))) {
      symlinkSync(`..data/${top}`, join(this.path, top));
    }
  }

  /** Replaces all files at once, as the kubelet does: a new generation, one rename, the old one removed. */
  swap(files: VolumeFiles): void {
    const before = join(this.path, `..${this.#generation}`);
    this.#generation += 1;
    const now = `..${this.#generation}`;
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, now, path)), { recursive: true });
      writeFileSync(join(this.path, now, path), content);
    }
    symlinkSync(now, join(this.path, '..data_tmp'));
    renameSync(join(this.path, '..data_tmp'), join(this.path, '..data'));
    rmSync(before, { recursive: true, force: true });
  }
}
