// Requests to the API server of the cluster that this pod is in, over TLS that only the cluster's own CA vouches for.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withDeadline } from '../../deadline.ts';
import { AgentError } from '../../errors.ts';
import { type Exchange, exchange } from './https-exchange.ts';
import { type ApiServer, parseCa, parseToken } from './in-cluster.ts';
import type { Reply } from './reply.ts';

/** How the API server is reached. */
export interface ApiClientOptions {
  readonly server: ApiServer;
  /** Holds `token` and `ca.crt`. */
  readonly serviceAccountDir: string;
  /** For one exchange, from the connection to the last byte. Default 10,000. */
  readonly timeoutMs?: number;
}

/** What the patch is of, and its type. */
export interface Patch {
  /** Begins with a slash; its segments are encoded. */
  readonly path: string;
  readonly type: 'application/merge-patch+json' | 'application/strategic-merge-patch+json';
  readonly value: object;
}

/** The API server waits longer for its own storage, but nobody waits for us. */
const TIMEOUT_MS = 10_000;

/** What is read, and as what. */
export interface Read {
  /** Begins with a slash; its segments and its query are encoded. */
  readonly path: string;
  readonly accept: string;
}

/**
 * Sends a patch and returns the answer, whatever its status. Token and CA are read anew each time,
 * for they rotate. Redirects are not followed, and proxies not used. Throws `kubernetes_failed`.
 */
export function sendPatch(
  api: ApiClientOptions,
  { path, type, value }: Patch,
  signal: AbortSignal,
): Promise<Reply> {
  const headers = { accept: 'application/json', 'content-type': type };
  return send(api, { method: 'PATCH', path, headers, body: JSON.stringify(value) }, signal);
}

/** Makes an object, in the same way. */
export function sendPost(
  api: ApiClientOptions,
  { path, value }: Omit<Patch, 'type'>,
  signal: AbortSignal,
): Promise<Reply> {
  const headers = { accept: 'application/json', 'content-type': 'application/json' };
  return send(api, { method: 'POST', path, headers, body: JSON.stringify(value) }, signal);
}

/** Reads, in the same way. */
export function sendRead(
  api: ApiClientOptions,
  { path, accept }: Read,
  signal: AbortSignal,
): Promise<Reply> {
  return send(api, { method: 'GET', path, headers: { accept }, body: '' }, signal);
}

type Message = Pick<Exchange, 'method' | 'path' | 'headers' | 'body'>;

async function send(
  { server, serviceAccountDir, timeoutMs = TIMEOUT_MS }: ApiClientOptions,
  message: Message,
  signal: AbortSignal,
): Promise<Reply> {
  try {
    const tokenPath = join(serviceAccountDir, 'token');
    const token = parseToken(await readFile(tokenPath, 'utf8'), tokenPath);
    const caPath = join(serviceAccountDir, 'ca.crt');
    const ca = parseCa(await readFile(caPath, 'utf8'), caPath);
    const headers = { ...message.headers, authorization: `Bearer ${token}` };
    return await withDeadline(signal, timeoutMs, (within) =>
      exchange({ ...server, ...message, headers, ca }, within),
    );
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    const at = `${server.host} port ${server.port}`;
    throw new AgentError('kubernetes_failed', `API server at ${at}: ${text}`, { cause });
  }
}
