// A gRPC connection to containerd's socket: deadlines, bounds, and errors as AgentError.
import { type ClientReadableStream, Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { AgentError } from '../../errors.ts';
import type { Method } from './descriptors.ts';

/** The namespace that kubelet's images are in. */
export const NAMESPACE = 'k8s.io';

/** Where containerd listens unless its configuration says otherwise. */
export const DEFAULT_SOCKET_PATH = '/run/containerd/containerd.sock';

/** Reads of containerd's metadata store take milliseconds; a node under heavy I/O gets this long. */
export const CALL_TIMEOUT_MS = 10_000;

/** containerd's own bound on a message. An image record is about 500 bytes, so this is some 30,000 of them. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** The socket is local, so trying again is cheap; grpc-js's own 120 s would outlast containerd's restart. */
const MAX_RECONNECT_BACKOFF_MS = 2_000;

/** What one call may be given. */
export interface CallOptions {
  /** Milliseconds until the call is given up; default `CALL_TIMEOUT_MS`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A connection that is opened by its first call, and opened again by the next call after it broke. */
export interface ContainerdClient {
  readonly socketPath: string;
  /**
   * One request, one response. Throws `containerd_unavailable` when nothing answered (also on
   * abort), `containerd_failed` when containerd answered with an error; the message holds the
   * socket, the call, the gRPC status and its whole text, and `statusOf` reads the status.
   */
  call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response>;
  /**
   * One request, a stream of responses without a deadline: it lasts until `signal` aborts, which
   * ends the iteration, or until it breaks, which throws `containerd_unavailable` or
   * `containerd_failed`. A stream that containerd closes throws too.
   */
  stream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    signal?: AbortSignal,
  ): AsyncGenerator<Response, void, undefined>;
  /** Closes the connection; calls under way fail with `containerd_unavailable`. */
  close(): void;
}

/** Creates a client of the containerd behind a Unix socket. Nothing is connected or checked yet. */
export function createContainerdClient(socketPath = DEFAULT_SOCKET_PATH): ContainerdClient {
  const connection: Connection = {
    socketPath,
    grpc: new Client(`unix:${socketPath}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_BACKOFF_MS,
      // close() must close the connection, not give it back to a pool of the process.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_http_proxy': 0,
    }),
    running: new Set(),
    closed: false,
  };
  return {
    socketPath,
    call: (method, request, options = {}) => callOnce(connection, method, request, options),
    stream: (method, request, signal) => streamFrom(connection, method, request, signal),
    close: () => close(connection),
  };
}

/** The gRPC status (`NOT_FOUND`, `UNAVAILABLE`, …) behind an error of a client, or null. */
export function statusOf(error: unknown): string | null {
  const cause = error instanceof AgentError ? error.cause : error;
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return null;
  return typeof cause.code === 'number' ? (status[cause.code] ?? null) : null;
}

interface Connection {
  readonly socketPath: string;
  readonly grpc: Client;
  readonly running: Set<{ cancel(): void }>;
  closed: boolean;
}

async function callOnce<Request, Response>(
  connection: Connection,
  method: Method<Request, Response>,
  request: Request,
  { timeoutMs = CALL_TIMEOUT_MS, signal }: CallOptions,
): Promise<Response> {
  assertOpen(connection, method.path);
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const running = connection.grpc.makeUnaryRequest(
    method.path,
    method.encodeRequest,
    method.decodeResponse,
    request,
    namespaced(),
    { deadline: Date.now() + timeoutMs },
    (error, response) => {
      if (error === null && response !== undefined) resolve(response);
      else reject(callError(connection.socketPath, method.path, error));
    },
  );
  const release = hold(connection, running, signal);
  return promise.finally(release);
}

async function* streamFrom<Request, Response>(
  connection: Connection,
  method: Method<Request, Response>,
  request: Request,
  signal: AbortSignal | undefined,
): AsyncGenerator<Response, void, undefined> {
  if (isAborted(signal)) return;
  assertOpen(connection, method.path);
  const running: ClientReadableStream<Response> = connection.grpc.makeServerStreamRequest(
    method.path,
    method.encodeRequest,
    method.decodeResponse,
    request,
    namespaced(),
  );
  // Cancelling makes grpc-js emit an error after iteration has ended, when nobody listens any more.
  running.on('error', () => undefined);
  const release = hold(connection, running, signal);
  try {
    for await (const response of running) yield response as Response;
    throw unavailable(connection, method.path, 'the stream ended, expected it to last');
  } catch (error) {
    if (isAborted(signal)) return;
    throw error instanceof AgentError
      ? error
      : callError(connection.socketPath, method.path, error);
  } finally {
    release();
    running.cancel();
  }
}

/** Lets `signal` and close() cancel a call; the result undoes that. */
function hold(
  { running }: Connection,
  call: { cancel(): void },
  signal: AbortSignal | undefined,
): () => void {
  const cancel = (): void => call.cancel();
  running.add(call);
  signal?.addEventListener('abort', cancel, { once: true });
  if (isAborted(signal)) cancel();
  return () => {
    running.delete(call);
    signal?.removeEventListener('abort', cancel);
  };
}

function close(connection: Connection): void {
  connection.closed = true;
  for (const call of connection.running) call.cancel();
  connection.grpc.close();
}

function assertOpen(connection: Connection, path: string): void {
  if (connection.closed) throw unavailable(connection, path, 'the connection was closed');
}

function unavailable({ socketPath }: Connection, path: string, what: string): AgentError {
  return new AgentError('containerd_unavailable', `containerd at ${socketPath}: ${path}: ${what}`);
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function namespaced(): Metadata {
  const metadata = new Metadata();
  metadata.set('containerd-namespace', NAMESPACE);
  return metadata;
}

/** Nobody answered, or nobody answered in time; any other status is an answer. */
const UNANSWERED: ReadonlySet<string | null> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
  null,
]);

function callError(socketPath: string, path: string, cause: unknown): AgentError {
  const name = statusOf(cause);
  const text =
    typeof cause === 'object' && cause !== null && 'details' in cause
      ? String(cause.details)
      : String(cause);
  return new AgentError(
    UNANSWERED.has(name) ? 'containerd_unavailable' : 'containerd_failed',
    `containerd at ${socketPath}: ${path}: ${name ?? 'no status'}: ${text}`,
    { cause },
  );
}
