// One request over HTTPS to a server of the cluster, and its answer, within bounds.
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { parseRetryAfter, type Reply } from './reply.ts';

/** What is sent, and to whom. */
export interface Exchange {
  readonly host: string;
  readonly port: number;
  /** The name that the certificate has to have. Default: `host`. */
  readonly servername?: string;
  /** PEM. Nobody else is trusted: not even the public authorities. */
  readonly ca: string;
  readonly method: 'GET' | 'PATCH' | 'POST';
  /** Begins with a slash; its segments and its query are encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * An object is at most 1.5 MiB in etcd, but a list that the API server answers from its memory is not
 * paged, and pods have tens of kilobytes.
 */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/**
 * Sends it and returns the answer, whatever its status. Redirects are not followed, and proxies not used.
 * Rejects with what went wrong, or the signal's reason.
 */
export function exchange({ body, ...options }: Exchange, signal: AbortSignal): Promise<Reply> {
  // One connection each: there are a few in five minutes, and each takes the CA of its moment.
  const own = { agent: false, rejectUnauthorized: true, signal } as const;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      outgoing.destroy();
      // What breaks when a signal aborts says nothing of why it did.
      reject((signal.aborted ? signal.reason : error) as Error);
    };
    const outgoing = request({ ...options, ...own }, (response) => {
      gather(response).then(resolve, fail);
    });
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}

async function gather(response: IncomingMessage): Promise<Reply> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > MAX_REPLY_BYTES) throw new Error(`answers with more than ${MAX_REPLY_BYTES} bytes`);
    pieces.push(piece);
  }
  const retryAfterMs = parseRetryAfter(response.headers['retry-after']);
  return { status: response.statusCode ?? 0, retryAfterMs, body: Buffer.concat(pieces, size) };
}
