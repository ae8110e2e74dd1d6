// Journal files without a journald: systemd-journal-remote writes what it is given in Journal Export Format.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, it } from 'vitest';

const WRITER = ['/usr/lib/systemd', '/lib/systemd']
  .map((folder) => `${folder}/systemd-journal-remote`)
  .find((path) => existsSync(path));
const HAS_READER = spawnSync('journalctl', ['--version']).status === 0;

/** Appends entries to a journal file, which is made if need be, and waits until they are in it. */
export async function writeJournalFile(path: string, exported: Buffer): Promise<void> {
  const child = spawn(WRITER ?? '', ['--output', path, '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(exported);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`systemd-journal-remote: ${String(code)}: ${stderr}`);
}

/**
 * `describe` for tests that need journalctl and systemd-journal-remote, which hack/setup installs. In
 * CI, where that has run, a missing one is a failure.
 */
export function describeWithJournalFiles(name: string, tests: () => void): void {
  if (WRITER !== undefined && HAS_READER) describe(name, tests);
  else if (process.env.CI === 'true') {
    describe(name, () => {
      it('needs journalctl and systemd-journal-remote', () => {
        throw new Error('run hack/setup');
      });
    });
  } else describe.skip(`${name} (needs journalctl and systemd-journal-remote)`, tests);
}
