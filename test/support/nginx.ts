// A real nginx on a node before a registry: it ends TLS, and passes on only who shows a certificate.
import { createInterface } from 'node:readline';
import { freePort } from './free-port.ts';
import type { ServerCertificate } from './registry/tls.ts';
import type { TestNode } from './test-node.ts';

export interface Nginx {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  stop(): void;
}

export interface NginxOptions {
  /** `HOST:PORT`, plain HTTP. */
  readonly upstream: string;
  readonly server: ServerCertificate;
  /** PEM: nobody is passed on without a certificate of it. */
  readonly clientCa: string;
}

const START_MS = 60_000;
const FOLDER = '/srv/nginx';

/** Starts one and waits until it listens. It ends with the node at the latest. */
export async function startNginx(
  node: TestNode,
  { upstream, server, clientCa }: NginxOptions,
): Promise<Nginx> {
  const host = `127.0.0.1:${await freePort()}`;
  const files = { 'tls.crt': server.cert, 'tls.key': server.key, 'clients.pem': clientCa };
  for (const [name, text] of Object.entries(files)) await node.writeFile(`${FOLDER}/${name}`, text);
  await node.writeFile(`${FOLDER}/nginx.conf`, configuration(host, upstream));
  const child = node.spawn(['nginx', '-e', 'stderr', '-c', `${FOLDER}/nginx.conf`]);
  const log: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const fail = (): void =>
    reject(new Error(`expected a listening nginx, found: ${log.join('\n')}`));
  const timer = setTimeout(fail, START_MS);
  child.once('exit', fail);
  if (child.stderr === null) throw new TypeError('no log');
  createInterface(child.stderr).on('line', (line) => {
    if (log.length < 100) log.push(line);
    // Its sockets are open before its workers are there.
    if (line.includes('start worker process')) resolve(undefined);
  });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
  return { host, stop: () => void child.kill() };
}

/** As its manual says for a registry: bodies of any size, and the registry told who was asked, and how. */
function configuration(host: string, upstream: string): string {
  return `
    daemon off;
    pid ${FOLDER}/nginx.pid;
    error_log stderr notice;
    worker_processes 1;
    events {}
    http {
      access_log off;
      server {
        listen ${host} ssl;
        ssl_certificate ${FOLDER}/tls.crt;
        ssl_certificate_key ${FOLDER}/tls.key;
        ssl_client_certificate ${FOLDER}/clients.pem;
        ssl_verify_client on;
        client_max_body_size 0;
        location / {
          proxy_pass http://${upstream};
          proxy_set_header Host $http_host;
          proxy_set_header X-Forwarded-Proto https;
        }
      }
    }
  `;
}
