// One run of a program that is not ours: a child process with a deadline, and with bounds on what it says.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface ProgramRun {
  readonly path: string;
  readonly args: readonly string[];
  /** All of it: nothing of our own environment is added. */
  readonly env: Readonly<Record<string, string>>;
  /** For standard input. */
  readonly input: string;
  /** From the start to the end of its output. */
  readonly timeoutMs: number;
  readonly maxStdoutBytes: number;
  /** What is beyond is read and let go. */
  readonly maxStderrBytes: number;
}

/** How a run came to its end. */
export type ProgramEnding =
  | {
      readonly kind: 'ended';
      /** Null where a signal ended it. */
      readonly exitCode: number | null;
      readonly signalName: string | null;
      readonly stdout: Uint8Array;
      readonly stderr: Uint8Array;
    }
  /** `found` is the system's word for why. */
  | { readonly kind: 'not_started'; readonly found: string; readonly cause: unknown }
  | { readonly kind: 'timed_out' }
  /** It wrote more than `maxStdoutBytes`. */
  | { readonly kind: 'flooded' }
  | { readonly kind: 'aborted' };

/**
 * Runs a program without a shell, in a process group of its own that is killed when it ends, floods,
 * takes too long or the caller gives up, so that nothing it started in there outlives it. (A process
 * that left the group is beyond reach, and so is, where we are PID 1, the reaping of its orphans: a
 * container needs an init for that.) Never rejects. For an aborted signal it is not even started.
 */
export async function runProgram(run: ProgramRun, signal: AbortSignal): Promise<ProgramEnding> {
  if (signal.aborted) return { kind: 'aborted' };
  const started = await start(run);
  if ('kind' in started) return started;
  const { child } = started;
  const { promise, resolve } = Promise.withResolvers<ProgramEnding>();
  const stop = (ending: ProgramEnding) => {
    resolve(ending);
    killGroup(child);
    // Whoever left the group may hold the pipes open for ever.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  };
  const abort = () => {
    stop({ kind: 'aborted' });
  };
  const timer = setTimeout(() => {
    stop({ kind: 'timed_out' });
  }, run.timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  // It may have aborted meanwhile.
  if (hasAborted(signal)) abort();
  const stdout = collect(child.stdout, run.maxStdoutBytes, () => {
    stop({ kind: 'flooded' });
  });
  const stderr = collect(child.stderr, run.maxStderrBytes, () => undefined);
  child.on('error', (error) => {
    resolve(notStarted(error));
  });
  child.once('exit', () => {
    killGroup(child);
  });
  child.once('close', (exitCode, signalName) => {
    resolve({ kind: 'ended', exitCode, signalName, stdout: stdout(), stderr: stderr() });
  });
  // A program need not read its input to the end.
  child.stdin.on('error', () => undefined);
  child.stdin.end(run.input);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

function hasAborted({ aborted }: AbortSignal): boolean {
  return aborted;
}

/**
 * Detached: a session and process group of its own. Of what can go wrong some is thrown, some is an
 * event, and then there may be no streams either.
 */
async function start({
  path,
  args,
  env,
}: ProgramRun): Promise<{ readonly child: ChildProcessWithoutNullStreams } | ProgramEnding> {
  let child;
  try {
    child = spawn(path, args, { cwd: '/', detached: true, env, stdio: 'pipe' });
  } catch (error) {
    return notStarted(error);
  }
  if (child.pid !== undefined) return { child };
  return notStarted(await new Promise((resolve) => child.once('error', resolve)));
}

function notStarted(cause: unknown): ProgramEnding {
  const found = cause instanceof Error && 'code' in cause ? String(cause.code) : 'an error';
  return { kind: 'not_started', found, cause };
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
