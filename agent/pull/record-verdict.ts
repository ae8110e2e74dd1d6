// Leaves the verdict in the journal, where an allowed pull would otherwise leave no trace.
import { encodeStdoutStream } from '../node/journald/stdout-stream.ts';
import { encodeVerdictLine } from '../node/journald/verdict-line.ts';
import { BlockingSocket } from './blocking-socket.ts';
import type { JudgedPull } from './judge-pull.ts';

const IDENTIFIER = 'nodeseal-verifier';
/** syslog: informational, as everything that containerd logs. */
const PRIORITY = 6;
/** journald reads at once; one that does not is not worth a pull's time. */
const DEADLINE_MS = 200;

/**
 * Writes the verdict line and waits until journald has read it, because journald looks up the
 * writer's unit and program only then. Throws `agent_unavailable` when journald does not read.
 */
export function recordVerdict(path: string, name: string, { verdict, via }: JudgedPull): void {
  const line = encodeVerdictLine(verdict, { name, via, mode: 'enforce' });
  // No unit: journald finds it by the writer's cgroup, whatever containerd's unit is called here.
  const stream = { identifier: IDENTIFIER, unit: '', priority: PRIORITY };
  const socket = new BlockingSocket(path, performance.now() + DEADLINE_MS);
  try {
    socket.send(encodeStdoutStream(stream, line));
    socket.finish();
  } finally {
    socket.close();
  }
}
