// Asks containerd's own program what a configuration file comes to: `containerd config dump`.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import { AgentError } from '../../errors.ts';
import { printable } from '../../oci/show.ts';
import { MAX_TOML_BYTES } from './toml.ts';

/** Paths of the host. */
export interface DumpRequest {
  readonly executable: string;
  readonly configPath: string;
}

/** Asks for a dump and returns its bytes, unread. Throws `containerd_dump_failed`. */
export type DumpConfig = (request: DumpRequest, signal: AbortSignal) => Promise<Uint8Array>;

/** It takes 30 ms; a node that starts 50 pods at once gets this long. */
export const DUMP_TIMEOUT_MS = 10_000;

/** The end of what it says goes into the message. */
const MAX_STDERR_BYTES = 16 * 1024;
const MAX_REASON_CHARACTERS = 1_000;

/** Where a Go program looks for little more than its temporary directory. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

/**
 * Dumps by the host's own containerd, in the host's root where that is not ours (`chroot`, which takes
 * CAP_SYS_CHROOT). It only reads: no plugin is initialised. The dump is killed after `timeoutMs`.
 */
export function createDump(hostRoot: string, timeoutMs = DUMP_TIMEOUT_MS): DumpConfig {
  return async ({ executable, configPath }, signal) => {
    const command = [executable, '--config', configPath, 'config', 'dump'];
    const [program = '', ...args] = hostRoot === '/' ? command : ['chroot', hostRoot, ...command];
    // A group of its own, so that whatever it may be that runs there is killed as a whole.
    const child = spawn(program, args, {
      cwd: '/',
      detached: true,
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const what = `${executable} --config ${configPath} config dump`;
    // Then it has no streams either.
    if (child.pid === undefined) throw failed(what, await errorOf(child));
    return collectOutput(child, what, { timeoutMs, signal });
  };
}

async function errorOf(child: EventEmitter): Promise<string> {
  return new Promise((resolve) => child.once('error', (error: Error) => resolve(error.message)));
}

async function collectOutput(
  child: ChildProcessByStdio<null, Readable, Readable>,
  what: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<number | string>();
  const fail = (found: string): void => reject(failed(what, found));
  const abort = (): void => fail('that it was interrupted');
  const timer = setTimeout(() => fail(`it running after ${timeoutMs} ms`), timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const stdout = collect(child.stdout, MAX_TOML_BYTES, () => fail('more than a configuration has'));
  const stderr = collect(child.stderr, MAX_STDERR_BYTES, () => undefined);
  child.once('close', (code, name) => resolve(code ?? String(name)));
  try {
    const ending = await promise;
    if (ending !== 0) throw failed(what, `${ending}: ${lastWords(stderr())}`);
    return stdout();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    killGroup(child);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

/** Keeps what fits, and goes on reading: nothing may block on its own output. */
function collect(stream: Readable, maxBytes: number, onFlood: () => void): () => Uint8Array {
  const chunks: Buffer[] = [];
  let kept = 0;
  stream.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, maxBytes - kept);
    if (part.length > 0) chunks.push(part);
    kept += part.length;
    if (part.length < chunk.length) onFlood();
  });
  return () => Buffer.concat(chunks);
}

function killGroup({ pid }: { readonly pid?: number | undefined }): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in the group.
  }
}

function lastWords(stderr: Uint8Array): string {
  const text = Buffer.from(stderr).toString('utf8').trim();
  return printable(text.slice(-MAX_REASON_CHARACTERS).replaceAll('\n', '; '));
}

function failed(what: string, found: string): AgentError {
  const fault = `expected it to end with exit code 0, found ${found}`;
  return new AgentError('containerd_dump_failed', `${what}: ${fault}`);
}
