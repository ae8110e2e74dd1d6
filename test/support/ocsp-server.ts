// A loopback HTTP server for OCSP answers and CRLs, with every way to serve them badly.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface RecordedEvidenceRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Answers a request; the body has been read. */
export type EvidenceHandler = (
  request: RecordedEvidenceRequest,
  response: ServerResponse,
) => void | Promise<void>;

export interface EvidenceServer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Every request so far, oldest first. */
  readonly requests: RecordedEvidenceRequest[];
  /** What is served under a path and everything below it; may be changed at any time. */
  readonly routes: Map<string, EvidenceHandler>;
}

/** Starts one on a free port of 127.0.0.1; by default it ends with the test. Unknown paths are 404. */
export async function openEvidenceServer(
  atEnd: (close: () => Promise<void>) => void = onTestFinished,
): Promise<EvidenceServer> {
  const routes = new Map<string, EvidenceHandler>();
  const requests: RecordedEvidenceRequest[] = [];
  const server = createServer((incoming, response) => {
    void serve(incoming, response, routes, requests);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, port, requests, routes };
}

async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  routes: ReadonlyMap<string, EvidenceHandler>,
  requests: RecordedEvidenceRequest[],
): Promise<void> {
  const { method = '', url: path = '', headers } = incoming;
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const request = { method, path, headers, body: Buffer.concat(chunks) };
  requests.push(request);
  // Clients break connections off on purpose here.
  response.on('error', () => undefined);
  const route = [...routes.keys()].find((one) => path === one || path.startsWith(`${one}/`));
  const handler = route === undefined ? undefined : routes.get(route);
  if (handler === undefined) response.writeHead(404).end();
  else await handler(request, response);
}

/** Serves bytes with 200. */
export function serveBytes(
  bytes: Uint8Array,
  headers: Record<string, string> = {},
): EvidenceHandler {
  return (_, response) => void response.writeHead(200, headers).end(bytes);
}

/** Serves a status without a body. */
export function serveStatus(status: number, headers: Record<string, string> = {}): EvidenceHandler {
  return (_, response) => void response.writeHead(status, headers).end();
}

/** Takes the request and never answers. */
export const serveSilence: EvidenceHandler = () => undefined;

/** Begins an answer and never ends it. */
export function serveHalf(bytes: Uint8Array): EvidenceHandler {
  return (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, bytes.length >> 1));
  };
}

/** Serves without end, as fast as it is taken. */
export const serveWithoutEnd: EvidenceHandler = (_, response) => {
  response.writeHead(200);
  const block = Buffer.alloc(64 * 1024);
  const write = (): void => {
    while (!response.destroyed && response.write(block));
  };
  response.on('drain', write);
  write();
};

/** Breaks the connection off. */
export const serveReset: EvidenceHandler = (_, response) => void response.socket?.resetAndDestroy();

/** Sends a byte every now and then, so that no single wait is long. */
export const serveDrip: EvidenceHandler = (_, response) => {
  response.writeHead(200);
  const timer = setInterval(() => response.write('0'), 5);
  response.on('close', () => clearInterval(timer));
};
