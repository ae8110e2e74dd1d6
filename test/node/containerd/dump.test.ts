import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, describe, onTestFinished } from 'vitest';
import { createDump } from '../../../agent/node/containerd/dump.ts';
import { MAX_TOML_BYTES } from '../../../agent/node/containerd/toml.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';

const NEVER = new AbortController().signal;
const FAILED = 'containerd_dump_failed';

/** A program that stands for containerd, and a folder for what it writes. */
function program(script: string) {
  const directory = mkdtempSync(join(tmpdir(), 'nodeseal-dump-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const executable = join(directory, 'containerd');
  writeFileSync(executable, `#!/bin/sh\n${script}\n`);
  chmodSync(executable, 0o755);
  return { directory, request: { executable, configPath: '/etc/containerd/my config.toml' } };
}

describe('a dump', () => {
  it('is what containerd’s own program prints for its own configuration', async () => {
    const { request } = program('printf "%s|" "$@"; pwd; echo warning >&2');
    const bytes = await createDump('/')(request, NEVER);
    expect(Buffer.from(bytes).toString()).toBe(
      '--config|/etc/containerd/my config.toml|config|dump|/\n',
    );
  });

  it('sees nothing of our environment', async () => {
    const { request } = program('env');
    const names = Buffer.from(await createDump('/')(request, NEVER)).toString();
    expect(names.match(/^\w+(?==)/gm)?.sort()).toEqual(expect.arrayContaining(['PATH']));
    expect(names).not.toContain('HOME=');
  });

  it('fails with the program’s last words', async () => {
    const { request } = program('echo first >&2; printf "last\\033[2J" >&2; exit 3');
    const error = await expectCodeAsync(createDump('/')(request, NEVER), FAILED);
    expect(error.message).toContain('found 3: first; last\\u{1b}[2J');
    expect(error.message).toContain(request.executable);
  });

  it('fails when the program is killed, and when there is none', async () => {
    const { request } = program('kill -9 $$');
    const killed = await expectCodeAsync(createDump('/')(request, NEVER), FAILED);
    expect(killed.message).toContain('SIGKILL');
    const absent = { ...request, executable: '/absent/containerd' };
    const error = await expectCodeAsync(createDump('/')(absent, NEVER), FAILED);
    expect(error.message).toContain('ENOENT');
  });

  it('fails when the host’s root is not there to be entered', async () => {
    const { request } = program('true');
    await expectCodeAsync(createDump('/absent')(request, NEVER), FAILED);
  });

  it('is given up after its time, and nothing of it stays', async () => {
    const { directory, request } = program(`sleep 1000 & echo $! >"$(dirname "$0")/pid"; wait`);
    const error = await expectCodeAsync(createDump('/', 300)(request, NEVER), FAILED);
    expect(error.message).toContain('running after 300 ms');
    const pid = join(directory, 'pid');
    if (!existsSync(pid)) return; // Killed before it came that far.
    const child = Number(readFileSync(pid, 'utf8'));
    await expect.poll(() => isRunning(child)).toBe(false);
  });

  it('is given up at the caller’s signal, at once if it came before', async () => {
    const { request } = program('sleep 1000');
    const abort = new AbortController();
    const dump = createDump('/')(request, abort.signal);
    abort.abort();
    await expectCodeAsync(dump, FAILED);
    await expectCodeAsync(createDump('/')(request, abort.signal), FAILED);
  });

  it('is refused when it floods, on either stream, and read up to the bound', async () => {
    const print = (bytes: number) => `head -c ${bytes} /dev/zero`;
    const most = await createDump('/')(program(print(MAX_TOML_BYTES)).request, NEVER);
    expect(most).toHaveLength(MAX_TOML_BYTES);
    const flood = program('cat /dev/zero').request;
    await expectCodeAsync(createDump('/')(flood, NEVER), FAILED);
    const noisy = program(`${print(3_000_000)} >&2; echo good`).request;
    expect(Buffer.from(await createDump('/')(noisy, NEVER)).toString()).toBe('good\n');
  });
});

function isRunning(pid: number): boolean {
  try {
    // A zombie waits for whoever adopted it.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
