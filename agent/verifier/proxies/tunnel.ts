// A connection through a proxy: RFC 9110 "CONNECT", and TLS with the registry inside of it.
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { proxyAuthorization } from './authorization.ts';
import { serverName } from './server-name.ts';

export interface TunnelOptions {
  readonly timeoutMs: number;
  /** For the registry at the other end. */
  readonly tls: Pick<tls.ConnectionOptions, 'secureContext' | 'rejectUnauthorized'>;
  /** For the proxy itself. */
  readonly proxyContext: tls.SecureContext | undefined;
}

/** As undici asks for a connection. */
export interface Destination {
  readonly hostname: string;
  readonly port: string;
}

export type Connected = (
  ...done: [error: null, socket: Socket] | [error: Error, socket: null]
) => void;

/** Connects to a TLS server by a proxy. The callback is called once. */
export function connectByProxy(
  proxy: URL,
  { hostname, port }: Destination,
  options: TunnelOptions,
  connected: Connected,
): void {
  const authority = `${hostname}:${port || '443'}`;
  const { proxyContext: secureContext } = options;
  const proxyHost = proxy.hostname.replace(/^\[|\]$/g, '');
  const request = (proxy.protocol === 'https:' ? https : http).request({
    host: proxyHost,
    // Else the name in `host` would be looked for in the proxy's certificate.
    servername: serverName(proxyHost),
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    ...(secureContext && { secureContext }),
    ...{ method: 'CONNECT', path: authority, agent: false },
    headers: { host: authority, ...proxyAuthorization(proxy) },
    timeout: options.timeoutMs,
  });
  const fail = (error: Error) => {
    request.destroy();
    connected(error, null);
  };
  request.once('timeout', () => {
    fail(fault(proxy, `expected a tunnel within ${options.timeoutMs} ms`, 'ETIMEDOUT'));
  });
  request.once('error', fail);
  request.once('connect', ({ statusCode = 0 }, socket) => {
    request.off('error', fail);
    request.removeAllListeners('timeout');
    if (statusCode === 200) {
      secure(socket, hostname, options, connected);
      return;
    }
    socket.destroy();
    connected(fault(proxy, `expected 200 to CONNECT, found ${statusCode}`, 'PROXY'), null);
  });
  request.end();
}

function secure(
  socket: Socket,
  hostname: string,
  { timeoutMs, tls: terms }: TunnelOptions,
  connected: Connected,
): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  const secured = tls.connect({
    ...terms,
    socket,
    host,
    servername: serverName(host),
    ALPNProtocols: ['http/1.1'],
  });
  const fail = (error: Error) => {
    secured.destroy();
    connected(error, null);
  };
  secured.setTimeout(timeoutMs, () => {
    fail(Object.assign(new Error('no TLS in time'), { code: 'ETIMEDOUT' }));
  });
  secured.once('error', fail);
  secured.once('secureConnect', () => {
    secured.off('error', fail);
    secured.setTimeout(0);
    secured.removeAllListeners('timeout');
    connected(null, secured);
  });
}

/** Without the proxy's credentials. */
function fault({ protocol, host }: URL, reason: string, code: string): Error {
  return Object.assign(new Error(`proxy ${protocol}//${host}: ${reason}`), { code });
}
