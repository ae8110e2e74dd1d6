// A real node for end-to-end tests: boots, drives and stops what hack/node builds.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, it } from 'vitest';

const run = promisify(execFile);
const script = (name: string): string =>
  fileURLToPath(new URL(`../../hack/node/${name}`, import.meta.url));

// The first boot on a machine builds the node's root.
const BOOT_TIMEOUT_MS = 280_000;
const STOP_TIMEOUT_MS = 60_000;
const EXEC_TIMEOUT_MS = 60_000;

// As shells tell that a signal ended a command.
const SIGNALLED = 128;

export interface BootOptions {
  /** Of 1 to 40 letters, digits and inner hyphens, free on this machine. Default: one that is. */
  readonly name?: string;
  /** Of `hack/containerd/versions`, built by the first call. Default: the one of the node's Debian. */
  readonly containerd?: string;
  /** Host path to path in the node; the node cannot write there. */
  readonly bindReadOnly?: Readonly<Record<string, string>>;
}

export interface ExecOptions {
  readonly stdin?: string | Uint8Array;
  /** Default: 60,000. After it, the command's whole process group is killed and `exec` rejects. */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  /** The command's exit code; 128 plus the signal's number if a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A booted node: systemd is its PID 1, containerd serves, journald runs. Its network is this machine's. */
export class TestNode implements AsyncDisposable {
  readonly name: string;
  /** Where this machine sees the node's files, tmpfs ones and sockets included, while the node runs. */
  readonly root: string;

  constructor(name: string, root: string) {
    this.name = name;
    this.root = root;
  }

  /**
   * The host path of an absolute path in the node. Absolute symbolic links on the way would lead back
   * into the host: name the file they point to.
   */
  path(inNode: string): string {
    return this.root + inNode;
  }

  /** Writes a file in the node, with the directories it needs. Default mode: 0644. */
  async writeFile(inNode: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    await mkdir(this.path(dirname(inNode)), { recursive: true });
    await writeFile(this.path(inNode), content, { mode });
  }

  /** Runs a command to its end, whatever its exit code. */
  async exec(command: readonly string[], options: ExecOptions = {}): Promise<CommandResult> {
    const { stdin = '', timeoutMs = EXEC_TIMEOUT_MS } = options;
    const child = this.spawn(command);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${command.join(' ')}: still running after ${timeoutMs} ms`));
    }, timeoutMs);
    const output = [collect(child.stdout), collect(child.stderr)];
    child.on('error', reject);
    child.on('close', (code, signal) => {
      resolve(code ?? SIGNALLED + (signal === null ? 0 : constants.signals[signal]));
    });
    // A command may end without reading all of its input.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
    try {
      const code = await promise;
      const [stdout = '', stderr = ''] = output.map((text) => text());
      return { code, stdout, stderr };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs a command that has to succeed; returns its standard output and rejects with its standard error. */
  async output(command: readonly string[], options: ExecOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.exec(command, options);
    if (code !== 0) {
      throw new Error(`${command.join(' ')}: expected exit code 0, found ${code}: ${stderr}`);
    }
    return stdout;
  }

  /**
   * Starts a command. Its signals by `kill` reach the command and what it started in its process group;
   * it ends with the node at the latest.
   */
  spawn(command: readonly string[]): ChildProcess {
    const child = spawn(script('exec'), [this.name, ...command], { detached: true });
    // The child is nsenter, which does not pass signals on to the command it waits for.
    child.kill = (signal = 'SIGTERM') => child.pid !== undefined && signalGroup(child.pid, signal);
    return child;
  }

  /** Powers the node off and removes all of it. Stopping it again does nothing. */
  async stop(): Promise<void> {
    await run(script('stop'), [this.name], { timeout: STOP_TIMEOUT_MS });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Boots a node of its own for the caller, who stops it. The first call on a machine builds the root. */
export async function bootTestNode(options: BootOptions = {}): Promise<TestNode> {
  // hack/test stops, by its own number, what a runner that was killed left behind.
  const own = `test-${process.env.TEST_RUN ?? 'own'}-${randomBytes(6).toString('hex')}`;
  const name = options.name ?? own;
  const binds = Object.entries({
    ...(options.containerd === undefined ? {} : await containerdBinds(options.containerd)),
    ...options.bindReadOnly,
  });
  const { stdout } = await run(
    script('boot'),
    [name, ...binds.map(([host, inNode]) => `--bind-ro=${host}:${inNode}`)],
    { timeout: BOOT_TIMEOUT_MS },
  );
  const root = /^root=(.+)$/m.exec(stdout)?.[1];
  if (root === undefined) throw new Error(`hack/node/boot: expected a line root=, found ${stdout}`);
  return new TestNode(name, root);
}

/** Mounted over Debian's: nothing else of the node changes. */
async function containerdBinds(version: string): Promise<Record<string, string>> {
  const build = script('../containerd/build');
  const { stdout } = await run(build, [version], { timeout: BOOT_TIMEOUT_MS });
  const programs = ['containerd', 'containerd-shim-runc-v2', 'ctr'];
  return Object.fromEntries(
    programs.map((program) => [`${stdout.trim()}/${program}`, `/usr/bin/${program}`]),
  );
}

/**
 * `describe` for tests that boot nodes. Where this machine cannot, the tests are skipped and say why;
 * under CI=true that is a failure, so that a broken runner does not look like a green one.
 */
export function describeOnNode(name: string, tests: () => void): void {
  const { status, stderr } = spawnSync(script('supported'), { encoding: 'utf8' });
  if (status === 0) {
    describe(name, tests);
  } else if (process.env.CI === 'true') {
    describe(name, () => {
      it('needs a machine that can run the test node', () => {
        throw new Error(stderr);
      });
    });
  } else {
    console.warn(`Skipped "${name}", because this machine cannot run it:\n${stderr}`);
    describe.skip(`${name} (skipped: ${stderr.trim().replaceAll('\n', ' ')})`, tests);
  }
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

function signalGroup(pid: number, signal: NodeJS.Signals | number): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    // Like ChildProcess.kill: a command that has ended is no fault.
    return false;
  }
}
