// HTTP for Prometheus, for the kubelet's probes and for a person with a browser.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatedResponse } from '../dated-response.ts';
import { AgentError } from '../errors.ts';
import { CONTENT_SECURITY_POLICY } from './page/document.ts';

/** Whether the agent does its work, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  /** One sentence each; shown to whoever asks, so no secrets. */
  readonly reasons: readonly string[];
}

/** What is served, and where. */
export interface MetricsServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: { render(): Promise<string>; readonly contentType: string };
  readonly ready: () => Readiness;
  /** What a person sees: a document of ours, by the query of its address, which is whatever somebody wrote. */
  readonly page: (query: string) => string;
  /** What programs are told of the same, as a JSON value. */
  readonly report: () => Promise<object> | object;
  /** Told of every fault behind a response of 500. */
  readonly onError: (error: unknown) => void;
}

/** A running server. */
export interface MetricsServer {
  readonly port: number;
  /** Lets requests under way end, for `CLOSE_GRACE_MS` at most. */
  close(): Promise<void>;
}

/** A scrape or probe sends a few hundred bytes of headers. */
const MAX_HEADER_BYTES = 8 * 1024;
/** Prometheus' default scrape timeout: nobody waits longer for us, so we wait no longer for them. */
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5_000;
/** Two Prometheus, a kubelet and a few people; more would be a flood, and each costs memory. */
const MAX_CONNECTIONS = 64;
export const CLOSE_GRACE_MS = 2_000;

/**
 * Serves `/metrics`, `/healthz`, `/readyz`, `/status.json` and `/` until closed; resolves once it listens. Throws
 * `setting_invalid` when it cannot listen there.
 *
 * Alive (`/healthz`) means that the event loop turns: the answer itself is the proof. Ready
 * (`/readyz`) means that the work is done, and is `ready`'s to say.
 */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer(
    {
      ServerResponse: DatedResponse,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      answer(request, options)
        .catch((error: unknown) => {
          options.onError(error);
          return text(500, 'internal error; the log says more\n');
        })
        .then((reply) => send(response, reply, !server.listening || hasBody(request)))
        .catch(options.onError);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  // For a client that does not read what it asked for.
  server.setTimeout(REQUEST_TIMEOUT_MS);
  await listen(server, options);
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function answer(request: IncomingMessage, options: MetricsServerOptions): Promise<Reply> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { ...text(405, 'only GET and HEAD\n'), headers: { allow: 'GET, HEAD' } };
  }
  if (hasBody(request)) return text(413, 'no body is expected\n');
  const { url = '' } = request;
  const [path = ''] = url.split('?', 1);
  switch (path) {
    case '/metrics':
      return {
        status: 200,
        type: options.metrics.contentType,
        body: await options.metrics.render(),
      };
    case '/healthz':
      return text(200, 'ok\n');
    case '/readyz': {
      const { ready, reasons } = options.ready();
      return ready ? text(200, 'ready\n') : text(503, `not ready\n${reasons.join('\n')}\n`);
    }
    case '/status.json': {
      const body = `${JSON.stringify(await options.report())}\n`;
      return { status: 200, type: 'application/json', body };
    }
    case '/':
      return page(options.page(url.slice(path.length + 1)));
    default:
      return text(404, 'not found\n');
  }
}

/** Nothing of the request is ever repeated in the response, but what the page was searched for. */
function send(
  response: ServerResponse,
  { status, type, body, headers }: Reply,
  last: boolean,
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    // A body that was not read would be taken for the next request; closing waits for no next one.
    ...(last ? { connection: 'close' } : {}),
    ...headers,
  });
  response.end(body);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

function page(body: string): Reply {
  const headers = { 'content-security-policy': CONTENT_SECURITY_POLICY };
  return { status: 200, type: 'text/html; charset=utf-8', body, headers };
}

function text(status: number, body: string): Reply {
  return { status, type: 'text/plain; charset=utf-8', body };
}

function listen(server: Server, { host, port }: MetricsServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new AgentError(
          'setting_invalid',
          `metrics server: expected an address to listen on, found ${host} port ${port}: ${cause.message}`,
          { cause },
        ),
      );
    });
    server.listen({ host, port }, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const stuck = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(stuck);
      resolve();
    });
    server.closeIdleConnections();
  });
}
