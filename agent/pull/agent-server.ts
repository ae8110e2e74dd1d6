// The agent's end of the socket on which pull verifiers ask: one request, one answer, one connection.
import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { AgentError } from '../errors.ts';
import type { Decision, Verdict } from '../notation/verification/verdict.ts';
import {
  encodeResponse,
  MAX_REQUEST_BYTES,
  parseRequest,
  type PullRequest,
  type PullResponse,
} from './agent-protocol.ts';
import type { PullMode } from './mode.ts';

/** What the server needs from the rest. */
export interface AgentServerOptions {
  readonly path: string;
  readonly judge: (request: PullRequest, signal: AbortSignal) => Promise<Verdict>;
  /** Told with every verdict. */
  readonly mode: PullMode;
  /** Called once per connection with how it ended. */
  readonly answered: (outcome: AgentRequestOutcome) => void;
  /** How long one connection may last, in milliseconds. Default 4800. */
  readonly deadlineMs?: number;
}

/** `invalid`: not a request of ours; `failed`: no verdict was reached; `abandoned`: the other side left. */
export type AgentRequestOutcome = Decision | 'invalid' | 'failed' | 'abandoned';

/** Just below how long the pull verifier waits for the agent: a later answer is wanted by nobody. */
const DEADLINE_MS = 4800;
/** kubelet pulls far fewer images at once; more connections than this are a fault or an attack. */
const MAX_CONNECTIONS = 256;

/**
 * Listens on a socket that only root can open. A socket file left by an earlier agent is replaced.
 * Throws `host_write_failed` when the socket cannot be made.
 */
export async function startAgentServer(
  options: AgentServerOptions,
): Promise<{ close: () => Promise<void> }> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    void serve(socket, options);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options.path);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of connections) socket.destroy();
      }),
  };
}

async function listen(server: Server, path: string): Promise<void> {
  try {
    // The directory is closed to others before the socket exists, so there is no moment to race.
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await chmod(dirname(path), 0o700);
    await rm(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    await chmod(path, 0o600);
  } catch (cause) {
    throw new AgentError('host_write_failed', `agent socket ${path}: ${String(cause)}`, { cause });
  }
}

async function serve(socket: Socket, options: AgentServerOptions): Promise<void> {
  const abort = new AbortController();
  const timer = setTimeout(() => socket.destroy(), options.deadlineMs ?? DEADLINE_MS);
  // The other side going away is an ordinary end: containerd kills verifiers of cancelled pulls.
  socket.on('error', () => undefined);
  socket.once('close', () => {
    clearTimeout(timer);
    abort.abort();
  });
  const response = await answer(socket, options, abort.signal);
  if (socket.destroyed) {
    options.answered('abandoned');
    return;
  }
  options.answered(outcomeOf(response));
  socket.end(encodeResponse(response));
}

async function answer(
  socket: Socket,
  options: AgentServerOptions,
  signal: AbortSignal,
): Promise<PullResponse> {
  try {
    // It flows on: nothing more is wanted from the other side but the news that it is gone.
    const request = parseRequest(await readLine(socket));
    return { verdict: await options.judge(request, signal), mode: options.mode };
  } catch (error) {
    const known = error instanceof AgentError ? error : undefined;
    return {
      error: { code: known?.code ?? 'internal', message: known?.message ?? String(error) },
    };
  }
}

function outcomeOf(response: PullResponse): AgentRequestOutcome {
  if ('verdict' in response) return response.verdict.decision;
  return response.error.code === 'invocation_invalid' ? 'invalid' : 'failed';
}

/**
 * What comes up to a line's end, or up to the other side's where that is first. By events: an
 * iterator of the stream takes a tenth of the time of an answer.
 */
function readLine(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  let length = 0;
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length <= MAX_REQUEST_BYTES && !chunk.includes(0x0a)) return;
    socket.off('data', take);
    if (length > MAX_REQUEST_BYTES) reject(tooLong());
    else finish();
  };
  const finish = () => {
    resolve(Buffer.concat(chunks).toString('utf8'));
  };
  socket.on('data', take).once('end', finish).once('close', finish);
  return promise;
}

function tooLong(): AgentError {
  return new AgentError(
    'invocation_invalid',
    `request from the pull verifier: expected at most ${MAX_REQUEST_BYTES} bytes`,
  );
}
