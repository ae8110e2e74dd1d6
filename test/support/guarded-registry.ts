// A real docker-registry on a node with TLS, client certificates and a token service, and a way around them to fill it.
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerCertificate } from './registry/tls.ts';
import type { Registry } from './node-images.ts';
import type { TestNode } from './test-node.ts';

export interface Guards {
  readonly tls?: ServerCertificate;
  /** PEM: nobody is let in without a certificate of it. */
  readonly clientCa?: string;
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly rootCertificate: string;
  };
}

export interface GuardedRegistry {
  /** Of the same content, without guards. */
  readonly filling: Registry;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  stop(): void;
}

const START_MS = 60_000;
const POLL_MS = 20;
const FOLDER = '/srv/guarded-registry';

/** Starts both on one content. They end with the node at the latest. */
export async function startGuardedRegistry(
  node: TestNode,
  name: string,
  { tls, clientCa, token }: Guards,
): Promise<GuardedRegistry> {
  const folder = `${FOLDER}/${name}`;
  const files = {
    'tls.crt': tls?.cert,
    'tls.key': tls?.key,
    'clients.pem': clientCa,
    'tokens.pem': token?.rootCertificate,
  };
  for (const [file, text] of Object.entries(files)) {
    if (text !== undefined) await node.writeFile(`${folder}/${file}`, text);
  }
  const common = [
    'version: 0.1',
    `storage: {filesystem: {rootdirectory: ${folder}/content}, delete: {enabled: true}}`,
  ];
  const certificates = `certificate: ${folder}/tls.crt, key: ${folder}/tls.key`;
  const clients = clientCa === undefined ? '' : `, clientcas: [${folder}/clients.pem]`;
  const http = tls === undefined ? '' : `, tls: {${certificates}${clients}}`;
  const guarded = [
    ...common,
    `http: {addr: '127.0.0.1:0', secret: test${http}}`,
    ...(token === undefined
      ? []
      : [
          `auth: {token: {realm: '${token.realm}', service: '${token.service}', issuer: '${token.issuer}', rootcertbundle: ${folder}/tokens.pem}}`,
        ]),
  ];
  const open = await serve(node, folder, [...common, "http: {addr: '127.0.0.1:0', secret: test}"]);
  const closed = await serve(node, folder, guarded);
  const stop = (): void => {
    open.stop();
    closed.stop();
  };
  const filling = { node, kind: 'docker-registry', host: open.host, stop: open.stop } as const;
  return { filling, host: closed.host, stop };
}

let configurations = 0;

async function serve(node: TestNode, folder: string, lines: readonly string[]) {
  configurations++;
  const path = `${folder}/config-${configurations}.yaml`;
  await node.writeFile(path, `${lines.join('\n')}\n`);
  const child = node.spawn(['sh', '-euc', `exec docker-registry serve ${path} 2>&1`]);
  let log = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    if (log.length < 10_000) log += chunk.toString('utf8');
  });
  const deadline = Date.now() + START_MS;
  for (;;) {
    const port = /listening on 127\.0\.0\.1:(\d+)\b/.exec(log)?.[1];
    if (port !== undefined) return { host: `127.0.0.1:${port}`, stop: () => void child.kill() };
    if (Date.now() > deadline) throw new Error(`expected a listening registry, found: ${log}`);
    await delay(POLL_MS);
  }
}
