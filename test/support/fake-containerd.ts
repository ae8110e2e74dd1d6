// A gRPC server on a Unix socket that stands in for containerd where a test needs answers that the real one never gives.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { EnvelopeMessage } from '../../agent/node/containerd/messages.ts';
import { PACKAGE } from './containerd-package.ts';

type Handler = (request: unknown) => object;

/** One open subscription, held by the test. */
export interface Subscriber {
  readonly filters: readonly string[];
  send(envelope: EnvelopeMessage): void;
  end(): void;
  fail(code: status, details: string): void;
  /** Resolves when the client has cancelled. */
  readonly cancelled: Promise<void>;
}

/** A fake containerd; a method without an answer is UNIMPLEMENTED. */
export class FakeContainerd {
  /** Every call so far, with the namespace it named. */
  readonly seen: { namespace: string; request: unknown }[] = [];
  readonly socketPath: string;
  readonly #directory: string;
  readonly #handlers = new Map<string, Handler | 'silence'>();
  #subscriber = Promise.withResolvers<Subscriber>();
  #server = new Server();

  constructor(directory: string) {
    this.#directory = directory;
    this.socketPath = join(directory, 'containerd.sock');
  }

  /** Sets what a method returns; a handler that throws `{ code, details }` fails the call so. */
  answer(service: string, method: string, handler: Handler): void {
    this.#handlers.set(`${service}/${method}`, handler);
  }

  /** Lets a method never answer. */
  silence(service: string, method: string): void {
    this.#handlers.set(`${service}/${method}`, 'silence');
  }

  /** Resolves with the next subscription. */
  nextSubscriber(): Promise<Subscriber> {
    return this.#subscriber.promise;
  }

  async start(): Promise<void> {
    this.#server = new Server();
    for (const [name, definition] of Object.entries(PACKAGE)) {
      if ('format' in definition) continue;
      const implementation: UntypedServiceImplementation = {};
      for (const method of Object.keys(definition)) {
        implementation[method] =
          method === 'Subscribe' ? this.#subscribe : this.#unary(`${name}/${method}`);
      }
      this.#server.addService(definition, implementation);
    }
    await new Promise<void>((resolve, reject) => {
      const done = (error: Error | null): void => (error === null ? resolve() : reject(error));
      this.#server.bindAsync(`unix:${this.socketPath}`, ServerCredentials.createInsecure(), done);
    });
  }

  /** Drops every connection and serves again on the same socket. */
  async restart(): Promise<void> {
    this.#server.forceShutdown();
    await rm(this.socketPath, { force: true });
    await this.start();
  }

  async stop(): Promise<void> {
    this.#server.forceShutdown();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #unary(key: string) {
    return (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>): void => {
      this.seen.push({ namespace: namespaceOf(call), request: call.request });
      const handler = this.#handlers.get(key);
      if (handler === 'silence') return;
      try {
        if (handler === undefined) throw refusal(status.UNIMPLEMENTED, `no answer for ${key}`);
        done(null, handler(call.request));
      } catch (error) {
        done(error as Error);
      }
    };
  }

  readonly #subscribe = (
    call: ServerWritableStream<{ filters: string[] }, EnvelopeMessage>,
  ): void => {
    const cancelled = new Promise<void>((resolve) => {
      call.on('cancelled', resolve);
    });
    this.#subscriber.resolve({
      filters: call.request.filters,
      send: (envelope) => void call.write(envelope),
      end: () => void call.end(),
      fail: (code, details) => void call.emit('error', refusal(code, details)),
      cancelled,
    });
    this.#subscriber = Promise.withResolvers();
  };
}

/** An error that the server sends with this status. */
export function refusal(code: status, details: string): Error {
  return Object.assign(new Error(details), { code, details });
}

/** Starts a fake containerd in a directory of its own. */
export async function startFakeContainerd(): Promise<FakeContainerd> {
  const fake = new FakeContainerd(await mkdtemp(join(tmpdir(), 'nodeseal-containerd-')));
  await fake.start();
  return fake;
}

function namespaceOf(call: ServerUnaryCall<unknown, unknown>): string {
  return String(call.metadata.get('containerd-namespace')[0]);
}
