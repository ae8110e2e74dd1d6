// Registries, clients and raw servers that end with the test that opened them.
import { createPooledTransport } from '../../../agent/verifier/registry/pooled-transport.ts';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import {
  createRegistryClient,
  type RegistryClient,
  type RegistryClientOptions,
} from '../../../agent/verifier/registry/client.ts';
import {
  startTestRegistry,
  type TestRegistry,
  type TestRegistryOptions,
} from '../../support/registry.ts';

/** For calls that nothing ends. */
export const NEVER = new AbortController().signal;

export async function openRegistry(options?: TestRegistryOptions): Promise<TestRegistry> {
  const registry = await startTestRegistry(options);
  onTestFinished(() => registry.close());
  return registry;
}

export function openClient(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  const client = createRegistryClient({
    createTransport: createPooledTransport,
    userAgent: 'nodeseal-test',
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

/** A TCP server that does with each connection as told; gives `127.0.0.1:PORT`. */
export async function openRawServer(serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // Clients break connections off on purpose here.
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** `METHOD path` of every request that a registry saw. */
export function seen(registry: TestRegistry): string[] {
  return registry.requests.map(({ method, path }) => `${method} ${path}`);
}
