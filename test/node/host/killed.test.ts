// The installer as a process that is killed at every file operation in turn: what is left, and that the next run finishes.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { installOnHost, uninstallFromHost } from '../../../agent/node/host/install.ts';
import { createLayout, stagingDirs } from '../../../agent/node/host/layout.ts';
import { createHostRoot, put, snapshot, withoutLock } from '../../support/host-root.ts';
import { type KilledRun, requestOf } from '../../support/killed-installer.ts';

const LAYOUT = createLayout();
const BIN_DIR = join(LAYOUT.verifierFile, '..');
const PROGRAM = fileURLToPath(new URL('../../support/killed-installer.ts', import.meta.url));
/** A process is started for every operation, on a machine that has other work. */
const TIMEOUT_MS = 180_000;
/** As many processes as two cores keep busy. */
const AT_ONCE = 4;

const OLD = { exitCode: 3, store: 'acme' } as const;
const NEW = { exitCode: 4, store: 'beta' } as const;
type Generation = typeof OLD | typeof NEW;

/** A run of `generation`, by a verifier which is told by its exit code; without one, of uninstalling. */
function runOn(hostRoot: string, generation?: Generation): KilledRun {
  if (generation === undefined) return { killAt: 0, hostRoot };
  const { exitCode, store } = generation;
  const verifierPath = join(createHostRoot(), 'nodeseal-verifier');
  writeFileSync(verifierPath, `#!/bin/sh\nexit ${exitCode}\n`);
  const trust = { [`x509/ca/${store}/root.crt`]: store, 'x509/ca/both/root.crt': store };
  const install = { verifierPath, settings: { store }, policy: store, trust };
  return { killAt: 0, hostRoot, install };
}

/** How it ended: `done` when it was not killed. */
async function killed(run: KilledRun): Promise<'killed' | 'done'> {
  const args = ['--disable-warning=ExperimentalWarning', PROGRAM];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.end(JSON.stringify(run));
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (signal === 'SIGKILL') return 'killed';
  expect(code).toBe(0);
  return 'done';
}

/** Every entry of bin_dir is executed on each pull: only whole verifiers, and what they need, may be there. */
function assertPullsJudged(root: string, allowed: readonly (Generation | null)[]): void {
  const entries = existsSync(join(root, BIN_DIR)) ? readdirSync(join(root, BIN_DIR)) : [];
  if (entries.length === 0) {
    expect(allowed).toContain(null);
    return;
  }
  expect(entries).toEqual(['nodeseal-verifier']);
  const verifier = join(root, LAYOUT.verifierFile);
  expect(statSync(verifier).mode & 0o7777).toBe(0o755);
  const { status } = spawnSync(verifier);
  expect(allowed.map((generation) => generation?.exitCode)).toContain(status);
  const policy = readFileSync(join(root, LAYOUT.policyFile), 'utf8');
  expect([OLD.store, NEW.store]).toContain(policy);
  const store = join(root, LAYOUT.trustStoreDir, 'x509/ca', policy);
  expect(readdirSync(store)).toEqual(['root.crt']);
  expect(readFileSync(join(store, 'root.crt'), 'utf8')).toBe(policy);
  expect(existsSync(join(root, LAYOUT.settingsFile))).toBe(true);
}

/** Calls `attempt` with 1, 2, … until one was not killed; how many were. */
async function eachOperation(attempt: (at: number) => Promise<'killed' | 'done'>): Promise<number> {
  let [next, count, isDone] = [1, 0, false];
  const work = async () => {
    while (!isDone) {
      const at = next++;
      if ((await attempt(at)) === 'done') isDone = true;
      else count += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return count;
}

/** A host as every one is, with files of others where ours go. */
function host(): string {
  const root = createHostRoot();
  mkdirSync(join(root, 'opt'));
  put(root, '/etc/containerd/config.toml', 'version = 3\n');
  put(root, LAYOUT.policyFile, 'theirs');
  return root;
}

describe('an installer that is killed at any operation', () => {
  it.each([
    ['of the first installation', null],
    ['of an upgrade', OLD],
  ] as const)(
    '%s leaves only whole verifiers, and the next run finishes',
    async (_, before) => {
      const clean = host();
      await installOnHost(requestOf(runOn(clean, NEW)));
      const count = await eachOperation(async (killAt) => {
        const root = host();
        if (before !== null) await installOnHost(requestOf(runOn(root, before)));
        const run = { ...runOn(root, NEW), killAt };
        const end = await killed(run);
        assertPullsJudged(root, [before, NEW]);
        await installOnHost(requestOf(run));
        expect(filesOf(root)).toEqual(filesOf(clean));
        for (const path of stagingDirs(LAYOUT)) expect(existsSync(join(root, path))).toBe(false);
        return end;
      });
      expect(count).toBeGreaterThan(25);
    },
    TIMEOUT_MS,
  );

  it(
    'of a move of bin_dir always leaves a verifier that was put there whole, and the next run finishes',
    async () => {
      const [from, to] = ['/opt/old/bin', '/srv/new'];
      await eachOperation(async (killAt) => {
        const root = host();
        await installOnHost(requestOf({ ...runOn(root, OLD), binDirs: [from] }));
        // The others are tried without a process, in moved.test.ts.
        const run = { ...runOn(root, NEW), binDirs: [to], killAt: killAt * 2 };
        const end = await killed(run);
        const there = [from, to]
          .map((binDir) => join(root, binDir, 'nodeseal-verifier'))
          .filter((path) => existsSync(path))
          .map((path) => spawnSync(path).status);
        expect(there.length).toBeGreaterThan(0);
        for (const status of there) expect([OLD.exitCode, NEW.exitCode]).toContain(status);
        await installOnHost(requestOf(run));
        expect(existsSync(join(root, '/opt/old'))).toBe(false);
        expect(readdirSync(join(root, to))).toEqual(['nodeseal-verifier']);
        return end;
      });
    },
    TIMEOUT_MS,
  );

  it(
    'of an uninstallation takes the verifier first, and the next run finishes',
    async () => {
      const count = await eachOperation(async (killAt) => {
        const root = host();
        const before = withoutLock(snapshot(root));
        await installOnHost(requestOf(runOn(root, OLD)));
        const end = await killed({ ...runOn(root), killAt });
        assertPullsJudged(root, [OLD, null]);
        await uninstallFromHost({ hostRoot: root });
        expect(withoutLock(snapshot(root))).toEqual(before);
        return end;
      });
      expect(count).toBeGreaterThan(12);
    },
    TIMEOUT_MS,
  );

  it(
    'of the first installation, and then uninstalled, leaves the host as it was',
    async () => {
      await eachOperation(async (killAt) => {
        const root = host();
        const before = withoutLock(snapshot(root));
        const end = await killed({ ...runOn(root, NEW), killAt: killAt * 2 });
        await uninstallFromHost({ hostRoot: root });
        expect(withoutLock(snapshot(root))).toEqual(before);
        return end;
      });
    },
    TIMEOUT_MS,
  );
});

/** Without the record: directories that a killed run made before it wrote it are not known as ours. */
function filesOf(root: string): Record<string, string> {
  const entries = Object.entries(withoutLock(snapshot(root)));
  return Object.fromEntries(entries.filter(([path]) => path !== LAYOUT.manifestFile));
}
