// One HTTP request for evidence, to an address that was looked at or to a proxy, until the answer begins.
import { type IncomingMessage, type RequestOptions, request as openRequest } from 'node:http';
import { request as openTlsRequest } from 'node:https';
import { proxyAuthorization } from '../proxies/authorization.ts';
import { serverName } from '../proxies/server-name.ts';
import type { ProxyOf } from '../proxies/rules.ts';

/** Whom to ask for what is outside. */
export interface Proxies {
  readonly of: ProxyOf;
  /** PEM of certificate authorities that are trusted for proxies under TLS, beside the public ones. */
  readonly ca?: string | undefined;
}

export interface Message {
  readonly url: URL;
  /** Sent by POST as `application/ocsp-request`; absent: GET. */
  readonly body?: Uint8Array;
}

const MAX_HEADER_BYTES = 16 * 1024;
const [HTTP_PORT, HTTPS_PORT] = [80, 443];

/** Connects to `address`, whatever the URL's name stands for by then. */
export function sendTo(
  address: string,
  message: Message,
  shareMs: number | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { port, pathname, search } = message.url;
  const terms = {
    ...{ host: address, port: Number(port || HTTP_PORT), path: `${pathname}${search}` },
    headers: headersOf(message),
  };
  return send(openRequest, terms, message.body, shareMs, signal);
}

/** The proxy resolves the URL's name. */
export function sendBy(
  proxy: URL,
  { ca }: Proxies,
  message: Message,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const isTls = proxy.protocol === 'https:';
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  const terms = {
    host,
    port: Number(proxy.port || (isTls ? HTTPS_PORT : HTTP_PORT)),
    path: message.url.href,
    headers: { ...headersOf(message), ...proxyAuthorization(proxy) },
    // Else the name in `host` would be looked for in the proxy's certificate.
    ...(isTls && { servername: serverName(host) }),
    ...(isTls && ca !== undefined && { ca: [...rootCertificates(), ca] }),
  };
  return send(isTls ? openTlsRequest : openRequest, terms, message.body, undefined, signal);
}

/** Loaded late: most proxies are spoken to in the clear, and it takes a pull longer than all else. */
function rootCertificates(): readonly string[] {
  return process.getBuiltinModule('node:tls').rootCertificates;
}

function headersOf({ url, body }: Message) {
  return {
    host: url.host,
    'user-agent': 'nodeseal',
    'accept-encoding': 'identity',
    connection: 'close',
    ...(body && { 'content-type': 'application/ocsp-request', 'content-length': body.length }),
  };
}

/** Nothing is taken from the environment, proxies for one. */
async function send(
  open: typeof openTlsRequest | typeof openRequest,
  terms: RequestOptions,
  body: Uint8Array | undefined,
  shareMs: number | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = open({
    ...terms,
    method: body === undefined ? 'GET' : 'POST',
    setHost: false,
    agent: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  });
  outgoing.on('response', resolve);
  outgoing.on('error', reject);
  const giveUp = (): void => void outgoing.destroy(new Error('no answer in time'));
  const timer = shareMs === undefined ? undefined : setTimeout(giveUp, shareMs);
  outgoing.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
