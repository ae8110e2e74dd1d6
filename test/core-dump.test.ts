import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { keepMemoryOutOfCoreDumps } from '../agent/core-dump.ts';

it('core dumps of the process and of what it starts hold no memory', () => {
  const module = resolve(import.meta.dirname, '../agent/core-dump.ts');
  const script = `
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    import { keepMemoryOutOfCoreDumps } from ${JSON.stringify(module)};
    const own = () => readFileSync('/proc/self/coredump_filter', 'utf8');
    const before = own();
    const done = keepMemoryOutOfCoreDumps();
    const child = execFileSync('cat', ['/proc/self/coredump_filter'], { encoding: 'utf8' });
    console.log(JSON.stringify([parseInt(before, 16) > 0, done, own(), child]));`;
  const words = ['--input-type=module', '--eval', script];
  const printed = execFileSync(process.execPath, words, { encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual([true, true, '00000000\n', '00000000\n']);
});

it('the process goes on where that cannot be chosen', () => {
  expect(keepMemoryOutOfCoreDumps('/nowhere/coredump_filter')).toBe(false);
});
