// One loopback server for all OCSP responders and CRLs of a run; every answer has an address of its own.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WebAnswer } from './kind.ts';

export interface EvidenceServer {
  /** Serves an answer from now on, made when it is asked for; returns its address. */
  readonly serve: (answer: () => WebAnswer) => string;
  /** Stops at once, connections and all. */
  close(): Promise<void>;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startEvidenceServer(): Promise<EvidenceServer> {
  const answers: (() => WebAnswer)[] = [];
  const server = createServer((request, response) => {
    // OCSP by GET appends the request to the path.
    const [, number = ''] = (request.url ?? '').split('/');
    const answer = answers[Number(number)]?.() ?? { status: 404 };
    request.resume();
    if (answer === 'silence') return;
    if ('status' in answer) response.writeHead(answer.status).end();
    else response.writeHead(200, { 'content-length': answer.length }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    serve: (answer) => `http://127.0.0.1:${port}/${answers.push(answer) - 1}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
