// One run of a credential helper or provider plugin of the host, and which error each way to fail is.
import { AgentError } from '../../../errors.ts';
import { runProgram } from '../../../program.ts';
import { programEnvironment } from '../../../program-environment.ts';
import type { HostAccess } from './host-access.ts';

export interface CredentialProgram {
  /** Path of the host. */
  readonly path: string;
  readonly args: readonly string[];
  /** Beside those that every program gets. */
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  readonly maxStdoutBytes: number;
  /** Names it in messages. */
  readonly what: string;
}

/** What it wrote to standard output, and how it ended. Both may be secret. */
export interface ProgramOutput {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
}

export interface ProgramHost {
  readonly access: HostAccess;
  /** For one run. */
  readonly timeoutMs: number;
  /** Our own, of which a part is passed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Where plugins that keep something look for it. */
const DEFAULT_HOME = '/root';
/** What it says on standard error may be secret, and is for nobody. */
const MAX_STDERR_BYTES = 0;

/**
 * Runs a program in the host's root. Throws `credential_program_failed` when it does not start, takes
 * too long, writes too much or is ended by a signal. No message quotes anything that it wrote.
 */
export async function runCredentialProgram(
  { path, args, env, input, maxStdoutBytes, what }: CredentialProgram,
  { access, timeoutMs, environment }: ProgramHost,
): Promise<ProgramOutput> {
  const [program = path, ...words] = [...access.enter, path, ...args];
  const ending = await runProgram(
    {
      ...{ path: program, args: words, input, timeoutMs, maxStdoutBytes },
      env: { HOME: DEFAULT_HOME, ...programEnvironment(environment), ...env },
      maxStderrBytes: MAX_STDERR_BYTES,
    },
    NEVER,
  );
  switch (ending.kind) {
    case 'ended':
      if (ending.exitCode === null) {
        throw failed(what, `expected it to end by itself, found ${String(ending.signalName)}`);
      }
      return { exitCode: ending.exitCode, stdout: ending.stdout };
    case 'not_started':
      throw failed(what, `expected the program to start, found ${ending.found}`);
    case 'flooded':
      throw failed(what, `expected at most ${maxStdoutBytes} bytes of output, found more`);
    case 'timed_out':
    case 'aborted':
      throw failed(what, `expected it to end within ${timeoutMs} ms, found it running`);
  }
}

/** Others wait for the same answer. */
const NEVER = new AbortController().signal;

function failed(what: string, fault: string): AgentError {
  return new AgentError('credential_program_failed', `${what}: ${fault}`);
}
