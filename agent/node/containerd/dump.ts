// Asks containerd's own program what a configuration file comes to: `containerd config dump`.
import { AgentError } from '../../errors.ts';
import { printable } from '../../oci/show.ts';
import { type ProgramEnding, runProgram } from '../../program.ts';
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
    const [path = '', ...args] = hostRoot === '/' ? command : ['chroot', hostRoot, ...command];
    const bounds = { maxStdoutBytes: MAX_TOML_BYTES, maxStderrBytes: MAX_STDERR_BYTES };
    const ending = await runProgram(
      { path, args, env: ENVIRONMENT, input: '', timeoutMs, ...bounds },
      signal,
    );
    if (ending.kind === 'ended' && ending.exitCode === 0) return ending.stdout;
    const fault = `expected it to end with exit code 0, found ${found(ending, timeoutMs)}`;
    const what = `${executable} --config ${configPath} config dump`;
    throw new AgentError('containerd_dump_failed', `${what}: ${fault}`);
  };
}

function found(ending: ProgramEnding, timeoutMs: number): string {
  switch (ending.kind) {
    case 'ended':
      return `${ending.exitCode ?? String(ending.signalName)}: ${lastWords(ending.stderr)}`;
    case 'not_started':
      return `that it cannot be started: ${ending.found}`;
    case 'timed_out':
      return `it running after ${timeoutMs} ms`;
    case 'flooded':
      return 'more than a configuration has';
    case 'aborted':
      return 'that it was interrupted';
  }
}

function lastWords(stderr: Uint8Array): string {
  const text = Buffer.from(stderr).toString('utf8').trim();
  return printable(text.slice(-MAX_REASON_CHARACTERS).replaceAll('\n', '; '));
}
