// An OCI registry in this process, on loopback, with knobs for what a real one may do wrong.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  type RecordedRequest,
  RegistryAnswers,
  type TestRegistryOptions,
} from './registry/answers.ts';
import { RegistryContent } from './registry/content.ts';

export {
  type RecordedRequest,
  TEST_CREDENTIAL,
  type TestRegistryOptions,
} from './registry/answers.ts';
export {
  IMAGE_INDEX,
  IMAGE_MANIFEST,
  SIGNATURE_TYPE,
  describeBytes,
  imageIndex,
} from './registry/content.ts';

/** Answers a request in the registry's place when it returns true. */
export type Intercept = (request: RecordedRequest, response: ServerResponse) => boolean;

/** A running registry; `pushImage`, `attachSignature` and the like are those of its content. */
export class TestRegistry extends RegistryContent {
  /** Every request so far, oldest first. */
  readonly requests: RecordedRequest[] = [];
  /** How many connections were opened so far. */
  connections = 0;
  /** Set it to break things; unset it to heal them. */
  intercept: Intercept | undefined;
  readonly #tls: boolean;
  readonly #server: Server;
  readonly #answers: RegistryAnswers;

  constructor(options: TestRegistryOptions) {
    super(options.referrers !== undefined && options.referrers !== true);
    this.#answers = new RegistryAnswers(this, options);
    this.#tls = options.tls !== undefined;
    const listener = (request: IncomingMessage, response: ServerResponse) =>
      this.#serve(request, response);
    this.#server =
      options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
    this.#server.on('connection', () => this.connections++);
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** `127.0.0.1:PORT`: the registry part of references. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** `http://127.0.0.1:PORT`, or `https://…` with TLS. */
  get url(): string {
    return `${this.#tls ? 'https' : 'http'}://${this.host}`;
  }

  /** Stops at once, connections and all. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(incoming: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = incoming;
    const request: RecordedRequest = { method, path: url, headers };
    this.requests.push(request);
    if (this.intercept?.(request, response) === true) return;
    const answer = this.#answers.answer(request, this.url);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }
}

/** Starts an empty registry on a free port of 127.0.0.1. */
export async function startTestRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const registry = new TestRegistry(options);
  await registry.listen();
  return registry;
}
