// The canary's registry: read-only, on loopback, for as long as one run lasts. It serves what it was given and nothing else.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatedResponse } from '../dated-response.ts';
import { AgentError } from '../errors.ts';
import type { Resource } from './canary-content.ts';

/** A running registry. */
export interface CanaryRegistry {
  /** `127.0.0.1:PORT`, as images are named by it. */
  readonly host: string;
  /** Whether anybody has asked for a manifest yet. */
  readonly wasAsked: () => boolean;
  /** Breaks off what is under way. */
  close(): Promise<void>;
}

/** Images named by it are recognised by this address; a name could lead elsewhere. */
export const CANARY_ADDRESS = '127.0.0.1';

/** containerd and a verifier send a few hundred bytes of headers. */
const MAX_HEADER_BYTES = 8 * 1024;
/** containerd fetches three at once at most; any process on the node can connect. */
const MAX_CONNECTIONS = 32;
/** All of it is in memory and on loopback. */
const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Serves the resources on a free port of `address`; the default alone is what images are named by.
 * Throws `canary_failed` when it cannot listen.
 */
export async function startCanaryRegistry(
  resources: ReadonlyMap<string, Resource>,
  address = CANARY_ADDRESS,
): Promise<CanaryRegistry> {
  let asked = false;
  const server = createServer(
    {
      ServerResponse: DatedResponse,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      const [path = ''] = (request.url ?? '').split('?', 1);
      asked ||= path.includes('/manifests/');
      answer(request, response, path, resources);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(REQUEST_TIMEOUT_MS);
  await listen(server, address);
  return {
    host: `${address}:${(server.address() as AddressInfo).port}`,
    wasAsked: () => asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function answer(
  { method }: IncomingMessage,
  response: ServerResponse,
  path: string,
  resources: ReadonlyMap<string, Resource>,
): void {
  if (method !== 'GET' && method !== 'HEAD') {
    // What else was sent is not read, so nothing may follow on the connection.
    response.writeHead(405, { allow: 'GET, HEAD', connection: 'close' }).end();
    return;
  }
  if (path === '/v2/') {
    response.writeHead(200, { 'content-length': 0 }).end();
    return;
  }
  const resource = resources.get(path);
  if (resource === undefined) {
    response.writeHead(404, { 'content-length': 0 }).end();
    return;
  }
  response.writeHead(200, {
    'content-type': resource.mediaType,
    'content-length': resource.bytes.length,
    'docker-content-digest': resource.digest,
  });
  response.end(method === 'HEAD' ? undefined : resource.bytes);
}

function listen(server: Server, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new AgentError('canary_failed', `registry of the canary: ${cause.message}`, { cause }),
      );
    });
    server.listen({ host, port: 0 }, resolve);
  });
}
