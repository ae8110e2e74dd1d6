// `nodeseal` as a process of its own, and its commands in this one.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { Command, ExitCode } from '../../agent/commands/command.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
const NODE = resolve(ROOT, 'node_modules/.bin/node');
const MAIN = resolve(ROOT, 'agent/main.ts');
/** More than any of these tests takes; a process that hangs fails its test rather than the run. */
const TIMEOUT_MS = 25_000;

type Environment = Readonly<Record<string, string>>;

/** How it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the front door. Of this process's environment it gets PATH alone. */
export function startNodeseal(
  args: readonly string[],
  environment: Environment = {},
): ChildProcessByStdio<null, Readable, Readable> {
  return start(NODE, ['--disable-warning=ExperimentalWarning', MAIN, ...args], environment);
}

/** Runs the front door to its end. */
export function nodeseal(args: readonly string[], environment: Environment = {}): Promise<Ended> {
  return ended(startNodeseal(args, environment));
}

/** Runs `npm run nodeseal -- …`, as a person in a checkout does. */
export function npmRunNodeseal(args: readonly string[]): Promise<Ended> {
  return ended(start('npm', ['run', 'nodeseal', '--', ...args], { HOME: tmpdir() }));
}

function start(program: string, args: readonly string[], environment: Environment) {
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function ended(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Ended> {
  const code = new Promise<number | null>((done) => child.once('close', done));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

/** Runs a command in this process; what it throws is thrown. */
export async function runCommand(
  command: Command,
  args: readonly string[],
  environment: Environment = {},
): Promise<{ readonly code: ExitCode; readonly stdout: string; readonly stderr: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const { signal } = new AbortController();
  const code = await command.run({ args, environment, stdout, stderr, signal });
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr) };
}

/** A directory that ends with the test. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'nodeseal-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
