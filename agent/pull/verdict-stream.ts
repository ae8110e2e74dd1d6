// The verdict's way into the journal, where an allowed pull would otherwise leave no trace.
import { encodeStreamHeader, encodeStreamLine } from '../node/journald/stdout-stream.ts';
import { encodeVerdictLine } from '../node/journald/verdict-line.ts';
import { BlockingSocket } from './blocking-socket.ts';
import type { VerdictMode, VerdictVia } from '../node/journald/verdict-line.ts';
import type { Verdict } from '../notation/verification/verdict.ts';

const IDENTIFIER = 'nodeseal-verifier';
/** syslog: informational, as everything that containerd logs. */
const PRIORITY = 6;
/** journald reads at once; one that does not is not worth a pull's time. */
const DEADLINE_MS = 200;

/** One pull as it was decided. */
export interface DecidedPull {
  /** The reference as containerd gave it; '' when it gave none. */
  readonly name: string;
  readonly verdict: Verdict;
  readonly via: VerdictVia;
  readonly mode: VerdictMode;
}

/** journald makes no entry of it. */
const EMPTY_LINE = encodeStreamLine('');

/**
 * The way of a verdict into the journal. Opened before there is one, so that journald takes the
 * connection while the verdict is made. Both throw `agent_unavailable` when journald does not read.
 */
export class VerdictStream {
  readonly #socket: BlockingSocket;

  constructor(path: string) {
    this.#socket = new BlockingSocket(path, performance.now() + DEADLINE_MS);
    // No unit: journald finds it by the writer's cgroup, whatever containerd's unit is called here.
    this.#socket.send(encodeStreamHeader({ identifier: IDENTIFIER, unit: '', priority: PRIORITY }));
  }

  /**
   * Writes the verdict line and waits until journald has filed it, because it looks up the writer's
   * program only then, and nobody trusts a line without one. journald never answers, but it handles
   * what it has read before it reads on: once it has read a second line, the first one is filed.
   */
  record({ verdict, ...context }: DecidedPull): void {
    const line = encodeVerdictLine(verdict, context);
    this.#socket.waitNoLongerThan(performance.now() + DEADLINE_MS);
    try {
      for (const bytes of [encodeStreamLine(line), EMPTY_LINE]) {
        this.#socket.send(bytes);
        this.#socket.waitUntilRead();
      }
    } finally {
      this.#socket.close();
    }
  }
}
