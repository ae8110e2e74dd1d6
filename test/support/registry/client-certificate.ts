// A certificate for a client to show, and a server that lets in nobody without one of its CA.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { request } from 'node:http';
import { createCa } from '../ca.ts';
import type { ServerCertificate } from './tls.ts';

export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
  /** PEM of the CA that issued it. */
  readonly ca: string;
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

export function mintClientCertificate(name: string): ClientCertificate {
  const ca = createCa({ name, root: { extendedKeyUsage: null } });
  const leaf = ca.issue({ extendedKeyUsage: { oids: [CLIENT_AUTH] } });
  const key = leaf.key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { certificate: leaf.pem, key, ca: ca.root.pem };
}

/** Ends TLS before `upstream` (`HOST:PORT`, plain HTTP), as a reverse proxy with mutual TLS does. */
export async function startMutualTls(
  upstream: string,
  server: ServerCertificate,
  clientCa: string,
): Promise<{ readonly host: string; close(): Promise<void> }> {
  const options = { key: server.key, cert: server.cert, ca: clientCa };
  const front = createServer({ ...options, requestCert: true, rejectUnauthorized: true });
  front.on('tlsClientError', () => undefined);
  front.on('request', (asked, response) => {
    const { method, headers, url: path } = asked;
    const [hostname, port] = upstream.split(':');
    const onward = request({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    asked.pipe(onward);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(front.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        front.close(() => {
          resolve();
        });
        front.closeAllConnections();
      }),
  };
}
