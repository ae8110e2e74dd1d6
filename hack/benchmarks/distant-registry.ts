// A registry far away: TLS, a token service, and a proxy before both that keeps what it forwards for half a round trip.
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { startTestRegistry, type TestRegistry } from '../../test/support/registry.ts';
import { mintServerCertificate } from '../../test/support/registry/tls.ts';

/** A running registry and its proxy. */
export interface DistantRegistry {
  /** What it holds; nobody is to ask its own address. */
  readonly content: TestRegistry;
  /** The registry part of references, at the proxy. Its name is for the node to resolve, as 127.0.0.1. */
  readonly host: string;
  /** PEM of who issued its certificate. */
  readonly ca: string;
  close(): Promise<void>;
}

/** Not 127.0.0.1, to which registry clients speak plain HTTP. */
export const DISTANT_NAME = 'registry.distant.test';

/** Starts one that is `roundTripMs` away, whatever the kernel can do. Tokens are for everybody, one for each repository. */
export async function startDistantRegistry(roundTripMs: number): Promise<DistantRegistry> {
  const { ca, key, cert } = mintServerCertificate('Distant registry', DISTANT_NAME);
  const options = { tls: { key, cert }, auth: 'bearer', anonymous: true } as const;
  const content = await startTestRegistry(options);
  const proxy = createServer((near) =>
    relay(near, Number(content.host.split(':')[1]), roundTripMs),
  );
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const host = `${DISTANT_NAME}:${(proxy.address() as AddressInfo).port}`;
  content.intercept = ({ path, headers }, response) => {
    if (path.startsWith('/token') || headers.authorization !== undefined) return false;
    const repository = /^\/v2\/(.+)\/(?:manifests|blobs|referrers)\//.exec(path)?.[1] ?? '';
    // The registry itself would lead past the proxy.
    const realm = `realm="https://${host}/token",service="bench",scope="repository:${repository}:pull"`;
    response.writeHead(401, { 'www-authenticate': `Bearer ${realm}` }).end();
    return true;
  };
  const close = async (): Promise<void> => {
    await content.close();
    await new Promise((resolve) => proxy.close(resolve));
  };
  return { content, host, ca, close };
}

function relay(near: Socket, port: number, roundTripMs: number): void {
  const far = connect(port, '127.0.0.1');
  // The handshake of TCP, of which the kernel makes nothing on one machine.
  forward(near, far, roundTripMs / 2, roundTripMs);
  forward(far, near, roundTripMs / 2, 0);
  for (const socket of [near, far]) {
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
  }
  near.on('close', () => far.destroy());
}

function forward(from: Socket, to: Socket, delayMs: number, atFirstMs: number): void {
  const opened = performance.now() + atFirstMs;
  let lastDue = 0;
  const later = (work: () => void): void => {
    lastDue = Math.max(lastDue, Math.max(performance.now(), opened) + delayMs);
    setTimeout(work, lastDue - performance.now());
  };
  from.on('data', (bytes: Buffer) => later(() => to.writable && to.write(bytes)));
  from.on('end', () => later(() => to.end()));
}
