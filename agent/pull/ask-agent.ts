// The pull verifier's end of the agent's socket: one question, one answer, waiting for both.
import { AgentError } from '../errors.ts';
import {
  encodeRequest,
  MAX_RESPONSE_BYTES,
  parseResponse,
  type PullRequest,
  type PullResponse,
} from './agent-protocol.ts';
import { BlockingSocket } from './blocking-socket.ts';

/**
 * Asks the agent and returns its answer, whatever it says. `deadline` is on the clock of
 * `performance.now()`. Throws `agent_unavailable` when nobody answers in time or the one who
 * listens is not root, and `invocation_invalid` or `internal` when the answer is not of the protocol.
 */
export function askAgent(path: string, request: PullRequest, deadline: number): PullResponse {
  const socket = new BlockingSocket(path, deadline);
  try {
    assertTrustedPeer(path, socket.peerUid());
    socket.send(Buffer.from(encodeRequest(request)));
    return parseResponse(socket.receiveLine(MAX_RESPONSE_BYTES));
  } finally {
    socket.close();
  }
}

/**
 * Attack: somebody who can make a socket at the agent's path would allow every image. The kernel
 * tells who listened: root, or the user whom the verifier runs as, who could as well replace it.
 */
function assertTrustedPeer(path: string, uid: number): void {
  if (uid === 0 || uid === process.geteuid?.()) return;
  throw new AgentError(
    'agent_unavailable',
    `socket ${path}: expected root to listen, found ${uid}`,
  );
}
