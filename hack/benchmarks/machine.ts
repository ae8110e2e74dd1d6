// The machine that was measured, and the programs on it; nothing that names it or its folders.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const BYTES_PER_GIB = 2 ** 30;
/** Of the test node, by the names of their packages. */
const ON_THE_NODE = ['notation', 'containerd', 'systemd'];

/** What a number depends on beside the code. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  /** Its version, without what its builder adds. */
  readonly kernel: string;
  /** By program; of the test node's only where that can be built. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Looks at this machine. */
export async function describeMachine(): Promise<Machine> {
  const bun = await readFile(join(ROOT, 'node_modules/bun/package.json'), 'utf8');
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / BYTES_PER_GIB),
    kernel: /^[\d.]*\d/.exec(release())?.[0] ?? 'unknown',
    versions: {
      node: process.version.replace('v', ''),
      bun: (JSON.parse(bun) as { version: string }).version,
      ...(await versionsOnNode()),
    },
  };
}

async function versionsOnNode(): Promise<Readonly<Record<string, string>>> {
  try {
    // Built already where a benchmark needed one.
    const { stdout: root } = await run(join(ROOT, 'hack/node/build'));
    const dpkg = ['--admindir', join(root.trim(), 'var/lib/dpkg')];
    const show = ['--show', '--showformat', '${Package} ${Version}\n'];
    const { stdout } = await run('dpkg-query', [...dpkg, ...show, ...ON_THE_NODE]);
    return Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ') as [string, string]),
    );
  } catch {
    return {}; // no test node here, so nothing was measured on one either
  }
}
