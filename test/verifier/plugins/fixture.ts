// A folder of plugins for each test, and what became of the processes of a plugin.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import type { InstalledPlugin } from '../../support/verification-plugin.ts';

/** Makes a new folder before each test of the file, and returns how to get it. */
export function pluginsDirectory(): () => string {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'plugins-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  return () => directory;
}

/** `gone`, or the state that the kernel gives a process: `Z` for one that nobody has reaped. */
export function stateOf(pid: number): string {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return 'gone';
  return /\) (\S)/.exec(readFileSync(path, 'utf8'))?.[1] ?? 'gone';
}

/**
 * Waits until no process of a plugin runs any more. What it started itself is for this machine's init
 * to reap, at its leisure.
 */
export async function expectGone(plugin: InstalledPlugin): Promise<void> {
  const calls = plugin.calls();
  expect(calls.length).toBeGreaterThan(0);
  const states = () => calls.map(({ pid }) => stateOf(pid));
  await expect.poll(states).toEqual(calls.map(() => 'gone'));
  for (const { left } of calls) {
    if (left === undefined) continue;
    await expect.poll(() => stateOf(left)).toMatch(/^(?:gone|Z)$/);
  }
}
