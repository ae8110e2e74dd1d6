// A forward proxy as an enterprise has one: CONNECT for TLS, whole URLs for the rest, and a password if it is told so.
import { createServer, type IncomingMessage, request as forward } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ServerCertificate } from './registry/tls.ts';

/** A running proxy. */
export interface ForwardProxy {
  /** Without credentials. */
  readonly url: URL;
  /** `METHOD URL` as it was asked. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export interface ForwardProxyOptions {
  /** `USER:PASSWORD` that it asks for. */
  readonly credentials?: string;
  readonly tls?: ServerCertificate;
  /** `HOST:PORT` to go to, whatever is asked for. */
  readonly upstream?: string;
}

export async function startForwardProxy(options: ForwardProxyOptions = {}): Promise<ForwardProxy> {
  const { credentials, tls, upstream } = options;
  const requests: string[] = [];
  const sockets = new Set<Duplex>();
  const isKnown = ({ method = '', url = '', headers }: IncomingMessage) => {
    requests.push(`${method} ${url}`);
    const expected = `Basic ${Buffer.from(credentials ?? '').toString('base64')}`;
    return credentials === undefined || headers['proxy-authorization'] === expected;
  };
  const server = tls === undefined ? createServer() : createTlsServer(tls);
  server.on('request', (request, response) => {
    if (!isKnown(request)) {
      response.writeHead(407).end();
      return;
    }
    const headers = { ...request.headers };
    delete headers['proxy-authorization'];
    const target = new URL(request.url ?? '');
    if (upstream !== undefined) target.host = upstream;
    const onward = forward(target, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('connect', (request: IncomingMessage, client: Duplex) => {
    if (!isKnown(request)) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const { hostname, port } = new URL(`http://${upstream ?? request.url ?? ''}`);
    const onward = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    for (const one of [client, onward]) {
      sockets.add(one);
      one.on('error', () => {
        client.destroy();
        onward.destroy();
      });
    }
  });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`),
    requests,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
}
