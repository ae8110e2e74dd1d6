// One command of a verification plugin: a child process with a deadline, and with bounds on what it says.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { AgentError } from '../../errors.ts';
import { describeErrorResponse, MAX_ERROR_BYTES } from '../../notation/plugin/error-response.ts';
import { pluginEnvironment } from './environment.ts';
import type { PluginLimits } from './limits.ts';

export interface PluginCommand {
  /** The program. */
  readonly path: string;
  readonly command: 'get-plugin-metadata' | 'verify-signature';
  /** JSON for standard input. */
  readonly request: string;
  /** Names plugin and command in messages. */
  readonly what: string;
}

/**
 * Runs a command and returns its standard output, which is for the caller to parse. The program is
 * started without a shell, in a process group of its own that is killed when it ends, fails, floods,
 * takes too long or the caller gives up, so that nothing it started in there outlives it. (A process
 * that left the group is beyond reach, and so is, where we are PID 1, the reaping of its orphans: a
 * container needs an init for that.) Throws `plugin_failed` when it does not start or does not exit
 * with 0, `plugin_timeout`, `plugin_invalid` for too much output, and for the caller's signal its
 * reason or `deadline_exceeded`.
 */
export async function runPlugin(
  { path, command, request, what }: PluginCommand,
  limits: PluginLimits,
  signal: AbortSignal,
): Promise<Uint8Array> {
  assertWaitedFor(signal, what);
  const child = await start(path, command, what);
  const { promise, resolve, reject } = Promise.withResolvers<Ending>();
  const stop = (error: AgentError) => {
    reject(error);
    killGroup(child);
    // Whoever left the group may hold the pipes open for ever.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  };
  const abort = () => stop(interrupted(signal, what));
  const timer = setTimeout(() => stop(timedOut(limits, what)), limits.timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const stdout = collect(child.stdout, limits.maxResponseBytes, () => stop(flood(limits, what)));
  const stderr = collect(child.stderr, MAX_ERROR_BYTES, () => undefined);
  child.on('error', (error) => reject(notStarted(error, what)));
  child.once('exit', () => killGroup(child));
  child.once('close', (code, name) => resolve({ code, name }));
  // A plugin need not read its request to the end.
  child.stdin.on('error', () => undefined);
  child.stdin.end(request);
  try {
    const ending = await promise;
    if (ending.code !== 0) throw failed(ending, stderr(), what);
    return stdout();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

interface Ending {
  readonly code: number | null;
  /** Of the signal that ended it. */
  readonly name: string | null;
}

/**
 * Detached: a session and process group of its own. Of what can go wrong some is thrown, some is an
 * event, and then there may be no streams either.
 */
async function start(
  path: string,
  command: string,
  what: string,
): Promise<ChildProcessWithoutNullStreams> {
  let child;
  try {
    child = spawn(path, [command], {
      cwd: '/',
      detached: true,
      env: pluginEnvironment(process.env),
      stdio: 'pipe',
    });
  } catch (error) {
    throw notStarted(error, what);
  }
  if (child.pid !== undefined) return child;
  throw notStarted(await new Promise((resolve) => child.once('error', resolve)), what);
}

/** Keeps what fits, and goes on reading: a program that logs much must not block on it. */
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

/** Its number stays the group's as long as a process is in there, also when the first one is gone. */
function killGroup({ pid }: ChildProcessWithoutNullStreams): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in the group, or it runs as another user, whom the deadline leaves behind.
  }
}

/** A plugin may have effects of its own: for nobody it is not even started. */
function assertWaitedFor(signal: AbortSignal, what: string): void {
  if (signal.aborted) throw interrupted(signal, what);
}

function interrupted(signal: AbortSignal, what: string): AgentError {
  if (signal.reason instanceof AgentError) return signal.reason;
  const fault = `${what}: interrupted before the plugin answered`;
  return new AgentError('deadline_exceeded', fault, { cause: signal.reason });
}

function timedOut({ timeoutMs }: PluginLimits, what: string): AgentError {
  const fault = `expected it to end and to close its output within ${timeoutMs} ms`;
  return new AgentError('plugin_timeout', `${what}: ${fault}, found it running`);
}

function flood({ maxResponseBytes }: PluginLimits, what: string): AgentError {
  const fault = `expected at most ${maxResponseBytes} bytes of output, found more`;
  return new AgentError('plugin_invalid', `${what}: ${fault}`);
}

function notStarted(cause: unknown, what: string): AgentError {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'an error';
  const fault = `expected the program to start, found ${reason}`;
  return new AgentError('plugin_failed', `${what}: ${fault}`, { cause });
}

function failed({ code, name }: Ending, stderr: Uint8Array, what: string): AgentError {
  const found = code === null ? String(name) : String(code);
  const said = describeErrorResponse(stderr);
  return new AgentError('plugin_failed', `${what}: expected exit code 0, found ${found}: ${said}`);
}
