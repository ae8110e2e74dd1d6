// What a command is to the front door.
import type { Writable } from 'node:stream';

/** What a command is run with. */
export interface CommandContext {
  /** The words after the command's own. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal;
}

/** How long a stop may take before the process is ended all the same. */
export const STOP_MS = 10_000;

/** 0 allow, valid, done; 1 deny, invalid; 2 could not run. */
export type ExitCode = 0 | 1 | 2;

/** One command of `nodeseal`. */
export interface Command {
  /** One or two words, such as `policy check`. */
  readonly name: string;
  readonly summary: string;
  /** The whole text of `--help`. */
  readonly help: string;
  /** Throws an AgentError when it could not run. */
  readonly run: (context: CommandContext) => Promise<ExitCode>;
}
