// The place of the Logagent input, kept in a file: Logagent itself keeps none for its inputs.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { AgentError } from '../../errors.ts';
import type { LogPosition } from './source.ts';

/** Writes at most so often: each is a file. */
const INTERVAL_MS = 1_000;

/** What is emitted is kept soon after; killed in between, it is emitted again. */
export class LogagentState {
  readonly #path: string | null;
  #position: LogPosition | undefined;
  #isWritten = true;
  #writtenMs = 0;

  /** Without a path nothing is kept. Throws `setting_invalid` when what is there cannot be read. */
  constructor(path: string | null) {
    this.#path = path;
    this.#position = path === null ? undefined : readPosition(path);
  }

  get position(): LogPosition | undefined {
    return this.#position;
  }

  moveTo({ cursor, realtimeUs }: LogPosition, nowMs: number): void {
    this.#position = { cursor, realtimeUs };
    this.#isWritten = false;
    // A clock that was set back must not stop it.
    if (Math.abs(nowMs - this.#writtenMs) < INTERVAL_MS) return;
    this.#writtenMs = nowMs;
    this.write();
  }

  /** Writes what was not written yet; the file is the old one or the new one, never half of it. */
  write(): void {
    if (this.#path === null || this.#isWritten) return;
    const beside = `${this.#path}.new`;
    writeFileSync(beside, `${JSON.stringify(this.#position)}\n`, { mode: 0o600 });
    renameSync(beside, this.#path);
    this.#isWritten = true;
  }
}

function readPosition(path: string): LogPosition | undefined {
  try {
    const found = JSON.parse(readFileSync(path, 'utf8')) as Partial<LogPosition> | null;
    const { cursor, realtimeUs } = found ?? {};
    if (
      typeof cursor === 'string' &&
      Number.isSafeInteger(realtimeUs) &&
      realtimeUs !== undefined
    ) {
      return { cursor, realtimeUs };
    }
    throw new TypeError('expected a position');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    const message = `logagent input: stateFile ${path}: ${String(cause)}`;
    throw new AgentError('setting_invalid', message, { cause });
  }
}
