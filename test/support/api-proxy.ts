// Between a client and the real API server of a test cluster: hands everything on, but for what a test has it spoil.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { TestCluster } from './test-cluster.ts';

/** A request, as it came. */
export interface Asked {
  readonly method: string;
  readonly path: string;
}

/**
 * `answer`: in the server's place. `cut`: before the server hears of it. `cut_answer`: once the server
 * has done it. `ask`: for another path.
 */
export type Fault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'cut' | 'cut_answer' }
  | { readonly kind: 'ask'; readonly path: string };

export class ApiProxy implements AsyncDisposable {
  readonly #cluster: TestCluster;
  readonly #server;
  /** What is to go wrong with a request. */
  fault: (asked: Asked) => Fault | undefined | Promise<Fault | undefined> = () => undefined;
  /** Every request with the status that came back; 0 for none. */
  readonly seen: (Asked & { readonly status: number })[] = [];

  private constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    // It has the API server's own certificate: clients can tell no difference.
    const own = { cert: cluster.read('server.crt'), key: cluster.read('server.key') };
    this.#server = createServer(own, (incoming, response) => {
      void this.#serve(incoming, response);
    });
  }

  static async start(cluster: TestCluster): Promise<ApiProxy> {
    const proxy = new ApiProxy(cluster);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** What kubelet puts into the environment of a container, but with this for the API server. */
  get environment(): Readonly<Record<string, string>> {
    const { port } = this.#server.address() as AddressInfo;
    return { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = { method: incoming.method ?? '', path: incoming.url ?? '' };
    const body = await buffer(incoming);
    const fault = await this.fault(asked);
    let status = 0;
    if (fault?.kind === 'answer') {
      const { headers } = fault;
      ({ status } = fault);
      response.writeHead(status, headers).end(JSON.stringify({ kind: 'Status', code: status }));
    } else if (fault?.kind === 'cut') {
      incoming.socket.destroy();
    } else {
      const path = fault?.kind === 'ask' ? fault.path : asked.path;
      const answer = await this.#handOn({ ...asked, path }, incoming, body);
      status = answer.statusCode ?? 0;
      if (fault?.kind === 'cut_answer') {
        answer.resume();
        incoming.socket.destroy();
      } else {
        response.writeHead(status, answer.headers);
        answer.pipe(response);
      }
    }
    this.seen.push({ ...asked, status });
  }

  async #handOn(
    asked: Asked,
    { headers }: IncomingMessage,
    body: Buffer,
  ): Promise<IncomingMessage> {
    const ca = this.#cluster.read('ca.crt');
    const outgoing = request({ ...this.#cluster.server, ...asked, headers, ca, agent: false });
    outgoing.end(body);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    return answer;
  }
}
