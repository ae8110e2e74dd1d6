// Whose break-glass file counts: one that only root, or the one who asks, can have written.
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type BreakGlass,
  encodeBreakGlass,
  MAX_BREAK_GLASS_BYTES,
} from '../../agent/pull/break-glass.ts';
import { readBreakGlass } from '../../agent/pull/break-glass-file.ts';
import { temporaryDirectory } from '../support/front-door.ts';

const OWN = process.geteuid?.() ?? 0;
const NOW = new Date();
const TEXT = encodeBreakGlass({
  until: new Date(NOW.getTime() + 60 * 60 * 1000),
  reason: 'registry is down',
  by: 'alice',
});

function written(text = TEXT, mode = 0o600): string {
  const path = join(temporaryDirectory(), 'break-glass.json');
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function read(path: string): BreakGlass {
  return readBreakGlass(path, NOW, OWN);
}

function expectIgnored(path: string, why: string): void {
  const found = read(path);
  expect(found).toMatchObject({ state: 'ignored', error: { code: 'break_glass_invalid' } });
  expect(found.state === 'ignored' ? found.error.message : '').toContain(why);
}

describe('readBreakGlass', () => {
  it('finds none where there is none, or not even a directory', () => {
    const directory = temporaryDirectory();
    expect(read(join(directory, 'none.json'))).toEqual({ state: 'absent' });
    expect(read(join(directory, 'none/none.json'))).toEqual({ state: 'absent' });
  });

  it.each([0o400, 0o600, 0o644])('takes a file of mode %o', (mode) => {
    expect(read(written(TEXT, mode))).toMatchObject({ state: 'active', by: 'alice' });
  });

  it.each([0o620, 0o602, 0o666, 0o777])('ignores a file of mode %o', (mode) => {
    expectIgnored(written(TEXT, mode), `found mode ${mode.toString(8)}`);
  });

  it.runIf(OWN === 0)('ignores a file of another user, unless that one asks', () => {
    const path = written();
    chownSync(path, 65_534, 65_534);
    expectIgnored(path, 'found user 65534');
    expect(readBreakGlass(path, NOW, 65_534)).toMatchObject({ state: 'active' });
  });

  it('ignores a link, a directory and a pipe without waiting for it', () => {
    const path = written();
    symlinkSync(path, `${path}.link`);
    expectIgnored(`${path}.link`, 'ELOOP');
    mkdirSync(`${path}.d`);
    expectIgnored(`${path}.d`, 'a regular file');
    execFileSync('mkfifo', ['-m', '600', `${path}.pipe`]);
    expectIgnored(`${path}.pipe`, 'a regular file');
  });

  it('ignores a file that is too large, however well it begins', () => {
    expectIgnored(written(TEXT + ' '.repeat(MAX_BREAK_GLASS_BYTES)), 'bytes');
  });

  it('goes by when the file was written', () => {
    const path = written();
    const dayAgo = new Date(NOW.getTime() - 24 * 60 * 60 * 1000);
    utimesSync(path, dayAgo, dayAgo);
    expectIgnored(path, 'at most 24 h after the file was written');
  });
});
