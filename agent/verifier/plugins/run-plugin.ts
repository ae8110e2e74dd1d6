// One command of a verification plugin, and which error each way to fail is.
import { AgentError } from '../../errors.ts';
import { describeErrorResponse, MAX_ERROR_BYTES } from '../../notation/plugin/error-response.ts';
import { type ProgramEnding, runProgram } from '../../program.ts';
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
 * Runs a command as `runProgram` does and returns its standard output, which is for the caller to
 * parse. A plugin may have effects of its own: for nobody it is not even started. Throws
 * `plugin_failed` when it does not start or does not exit with 0, `plugin_timeout`, `plugin_invalid`
 * for too much output, and for the caller's signal its reason or `deadline_exceeded`.
 */
export async function runPlugin(
  { path, command, request, what }: PluginCommand,
  limits: PluginLimits,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const ending = await runProgram(
    {
      ...{ path, args: [command], env: pluginEnvironment(process.env), input: request },
      timeoutMs: limits.timeoutMs,
      maxStdoutBytes: limits.maxResponseBytes,
      maxStderrBytes: MAX_ERROR_BYTES,
    },
    signal,
  );
  if (ending.kind === 'ended' && ending.exitCode === 0) return ending.stdout;
  throw failure(ending, limits, signal, what);
}

function failure(
  ending: ProgramEnding,
  limits: PluginLimits,
  signal: AbortSignal,
  what: string,
): AgentError {
  switch (ending.kind) {
    case 'aborted':
      return interrupted(signal, what);
    case 'timed_out':
      return timedOut(limits, what);
    case 'flooded':
      return flood(limits, what);
    case 'not_started': {
      const fault = `expected the program to start, found ${ending.found}`;
      return new AgentError('plugin_failed', `${what}: ${fault}`, { cause: ending.cause });
    }
    case 'ended': {
      const found = String(ending.exitCode ?? ending.signalName);
      const said = describeErrorResponse(ending.stderr);
      const fault = `expected exit code 0, found ${found}: ${said}`;
      return new AgentError('plugin_failed', `${what}: ${fault}`);
    }
  }
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
