// HTTPS for the API server: bounds on what it sends, a certificate that changes without a restart, an end without loss.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { DatedResponse } from '../dated-response.ts';
import { AgentError } from '../errors.ts';
import { deadlineAskedMs } from './deadline-asked.ts';
import { type Body, RequestBodies } from './request-body.ts';
import { REVIEW_PATHS, type ReviewPath } from './review.ts';

/** A certificate chain and its key, as PEM. */
export interface ServingCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** What is served, and where. */
export interface WebhookServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly certificate: ServingCertificate;
  /** Others are not found. */
  readonly paths: ReadonlySet<ReviewPath>;
  /** For one review, unless the API server gives less. */
  readonly deadlineMs: number;
  /** The answer to a body. A rejection with `admission_review_invalid` is answered with 400, others with 500. */
  readonly review: (asked: AskedReview) => Promise<Uint8Array>;
  /** Told of requests that were not reviewed. */
  readonly onRefused: (status: number, fault: string) => void;
  /** Told of every fault behind an answer of 500. */
  readonly onError: (error: unknown) => void;
}

/** One review to be made. */
export interface AskedReview {
  readonly path: ReviewPath;
  readonly bytes: Uint8Array;
  readonly deadlineMs: number;
  /** Aborts when the server is closed. */
  readonly signal: AbortSignal;
}

/** A running server. */
export interface WebhookServer {
  readonly port: number;
  /** For connections from now on; throws `serving_certificate_invalid` and changes nothing. */
  renew(certificate: ServingCertificate): void;
  /** From now on every answer ends its connection, so that the next request goes elsewhere. */
  drain(): void;
  /** Lets reviews under way end, for `CLOSE_GRACE_MS` at most. */
  close(): Promise<void>;
}

/** The API server's are a few hundred bytes. */
const MAX_HEADER_BYTES = 8 * 1024;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 5_000;
/** With the body: the API server sends it at once. */
const REQUEST_TIMEOUT_MS = 5_000;
/** The API server keeps idle connections for 90 s: it must be the one that closes them. */
const KEEP_ALIVE_MS = 120_000;
/** API servers have some tens; each that is open costs some KiB of TLS. */
const MAX_CONNECTIONS = 512;
export const CLOSE_GRACE_MS = 2_000;

/** Serves until closed; resolves once it listens. Throws `serving_certificate_invalid` or `setting_invalid`. */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const bodies = new RequestBodies();
  const closing = new AbortController();
  const draining = { is: false };
  assertCertificate(options.certificate);
  const server = createServer(
    {
      ...tlsOptions(options.certificate),
      ServerResponse: DatedResponse,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      const { signal } = closing;
      answer(request, { ...options, bodies, signal })
        .catch((error: unknown): Reply => {
          options.onError(error);
          return { status: 500, text: 'internal error; the log says more\n' };
        })
        .then((reply) => {
          send(response, reply, draining.is || !request.complete);
        })
        .catch(options.onError);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    renew: (certificate) => {
      assertCertificate(certificate);
      server.setSecureContext(tlsOptions(certificate));
    },
    drain: () => {
      draining.is = true;
      server.closeIdleConnections();
    },
    close: () => close(server, closing),
  };
}

type Reply = {
  readonly status: number;
} & (
  | { readonly text: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly review: Uint8Array }
);

type AnswerParts = Pick<WebhookServerOptions, 'paths' | 'deadlineMs' | 'review' | 'onRefused'> & {
  readonly bodies: RequestBodies;
  readonly signal: AbortSignal;
};

async function answer(request: IncomingMessage, parts: AnswerParts): Promise<Reply> {
  const { method, url = '', headers } = request;
  const path = REVIEW_PATHS.find((one) => url.split('?', 1)[0] === `/${one}`);
  const refuse = (status: number, fault: string): Reply => {
    parts.onRefused(status, fault);
    return { status, text: `${fault}\n` };
  };
  if (path === undefined || !parts.paths.has(path)) return refuse(404, 'not found');
  if (method !== 'POST') return { ...refuse(405, 'only POST'), headers: { allow: 'POST' } };
  if (!/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) {
    return refuse(415, 'expected application/json');
  }
  return parts.bodies.with(request, async (body: Body) => {
    if (body.status !== undefined) return refuse(body.status, body.fault);
    const { signal } = parts;
    const deadlineMs = deadlineAskedMs(url, parts.deadlineMs);
    try {
      return {
        status: 200,
        review: await parts.review({ path, bytes: body.bytes, deadlineMs, signal }),
      };
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'admission_review_invalid') throw error;
      return refuse(400, error.message);
    }
  });
}

function send(response: ServerResponse, reply: Reply, isLast: boolean): void {
  const [type, body] =
    'review' in reply
      ? ['application/json', reply.review]
      : ['text/plain; charset=utf-8', Buffer.from(reply.text)];
  response.writeHead(reply.status, {
    'content-type': type,
    'content-length': body.length,
    ...('review' in reply ? {} : reply.headers),
    ...(isLast ? { connection: 'close' } : {}),
  });
  response.end(body);
}

function tlsOptions({ certificate, key }: ServingCertificate) {
  return { cert: certificate, key, minVersion: 'TLSv1.2' } as const;
}

/** Node would take an empty certificate, and then fail each handshake. */
function assertCertificate({ certificate, key }: ServingCertificate): void {
  try {
    if (!certificate.includes('-----BEGIN CERTIFICATE-----')) throw new Error('no certificate');
    createSecureContext({ cert: certificate, key });
  } catch (cause) {
    // What OpenSSL says of a key holds nothing of it.
    const text = cause instanceof Error ? cause.message : String(cause);
    const fault = `serving certificate: expected PEM of a certificate and its key: ${text}`;
    throw new AgentError('serving_certificate_invalid', fault, { cause });
  }
}

function listen(server: Server, { host, port }: WebhookServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const fault = `expected an address to listen on, found ${host} port ${port}: ${cause.message}`;
      reject(new AgentError('setting_invalid', `webhook: ${fault}`, { cause }));
    });
    server.listen({ host, port }, resolve);
  });
}

function close(server: Server, closing: AbortController): Promise<void> {
  return new Promise((resolve) => {
    const stuck = setTimeout(() => {
      closing.abort();
      server.closeAllConnections();
    }, CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(stuck);
      resolve();
    });
    server.closeIdleConnections();
  });
}
