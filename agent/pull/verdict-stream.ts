// The verdict's way into the journal, where an allowed pull would otherwise leave no trace.
import { encodeStreamHeader, encodeStreamLine } from '../node/journald/stdout-stream.ts';
import { encodeVerdictLine } from '../node/journald/verdict-line.ts';
import { BlockingSocket } from './blocking-socket.ts';
import { wakeJournalReaders } from './journal-readers.ts';
import type { VerdictMode, VerdictVia } from '../node/journald/verdict-line.ts';
import type { Verdict } from '../notation/verification/verdict.ts';

const IDENTIFIER = 'nodeseal-verifier';
/** syslog: informational, as everything that containerd logs. */
const PRIORITY = 6;
/** journald takes connections at once, and systemd for it while it is restarted. */
const OPEN_MS = 200;
/**
 * journald reads at once, but for the second or two that its restart takes on a busy node. One that
 * does not even then is not worth a pull's time.
 */
const RECORD_MS = 3_000;

/** One pull as it was decided. */
export interface DecidedPull {
  /** The reference as containerd gave it; '' when it gave none. */
  readonly name: string;
  readonly verdict: Verdict;
  readonly via: VerdictVia;
  readonly mode: VerdictMode;
}

/** journald's socket, and the directories of the journals of this host. */
export interface JournalPaths {
  readonly socket: string;
  readonly directories: readonly string[];
}

/** journald makes no entry of it. */
const EMPTY_LINE = encodeStreamLine('');

/**
 * The way of a verdict into the journal. Opened before there is one, so that journald takes the
 * connection while the verdict is made.
 */
export class VerdictStream {
  readonly #paths: JournalPaths;
  #early: BlockingSocket | undefined;

  constructor(paths: JournalPaths) {
    this.#paths = paths;
    try {
      this.#early = open(paths.socket, performance.now() + OPEN_MS);
    } catch {
      // There is another try once there is something to write.
    }
  }

  /**
   * Writes the verdict line and waits until journald has filed it, because it looks up the writer's
   * program only then, and nobody trusts a line without one. Not longer than until `deadline`, on the
   * clock of `performance.now()`. Throws `agent_unavailable` when journald does not read.
   */
  record(pull: DecidedPull, deadline: number): void {
    this.#file(pull, deadline);
    wakeJournalReaders(this.#paths.directories);
  }

  #file({ verdict, ...context }: DecidedPull, deadline: number): void {
    const line = encodeStreamLine(encodeVerdictLine(verdict, context));
    const end = Math.min(performance.now() + RECORD_MS, deadline);
    if (this.#early !== undefined) {
      try {
        file(this.#early, line, end);
        return;
      } catch (error) {
        // journald that is restarted drops the connections on which it has heard nothing yet.
        if (performance.now() >= end) throw error;
      }
    }
    file(open(this.#paths.socket, end), line, end);
  }
}

function open(path: string, deadline: number): BlockingSocket {
  const socket = new BlockingSocket(path, deadline);
  try {
    // No unit: journald finds it by the writer's cgroup, whatever containerd's unit is called here.
    const header = encodeStreamHeader({ identifier: IDENTIFIER, unit: '', priority: PRIORITY });
    socket.send(header);
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

// journald never answers, but it handles what it has read before it reads on: once it has read a
// second line, the first one is filed.
function file(socket: BlockingSocket, line: Uint8Array, deadline: number): void {
  socket.waitNoLongerThan(deadline);
  try {
    for (const bytes of [line, EMPTY_LINE]) {
      socket.send(bytes);
      socket.waitUntilRead();
    }
  } finally {
    socket.close();
  }
}
