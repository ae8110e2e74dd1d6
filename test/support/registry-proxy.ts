// A proxy before a registry, in which a test can do something between two requests of a pull.
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A running proxy. */
export interface RegistryProxy {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  close(): Promise<void>;
}

/** Forwards everything to `upstream` (`HOST:PORT`, plain HTTP), after `before` has resolved. */
export async function startRegistryProxy(
  upstream: string,
  before: (method: string, path: string) => Promise<void>,
): Promise<RegistryProxy> {
  const server = createServer((request, response) => {
    void before(request.method ?? '', request.url ?? '').then(() => {
      const { method, headers, url: path } = request;
      const [hostname, port] = upstream.split(':');
      const forward = httpRequest({ hostname, port, method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      forward.on('error', () => response.destroy());
      request.pipe(forward);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
