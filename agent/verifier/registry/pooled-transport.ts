// HTTP requests over connections that are kept, by undici: for a process that asks many registries for long.
import { proxyAuthorization } from '../proxies/authorization.ts';
import { attemptTwice } from './attempt-twice.ts';
import type { CreateTransport, HttpRequest, HttpResponse, TransportOptions } from './http.ts';
import { isForwarded, Pools } from './pools.ts';
import { BoundedResponse } from './response.ts';
import { Wait } from './wait.ts';

export const createPooledTransport: CreateTransport = (options) => {
  const pools = new Pools(options.limits, options.ca);
  return {
    send: (request, signal) => attemptTwice(() => attempt(pools, options, request, signal)),
    close: () => pools.close(),
  };
};

async function attempt(
  pools: Pools,
  { limits, userAgent, onRequest, proxyOf }: TransportOptions,
  { operation, connection, registry, url, method, headers, body, what }: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const proxy = proxyOf?.(url);
  const wait = new Wait(signal, limits.requestMs, what);
  const startedMs = performance.now();
  let status: number | undefined;
  try {
    const response = new BoundedResponse(what, wait);
    const options = {
      path: requestPath(url, proxy),
      method,
      ...(body === undefined ? {} : { body }),
      // A compressed body could grow without bound, and digests are over what is stored.
      headers: {
        'user-agent': userAgent,
        'accept-encoding': 'identity',
        ...headers,
        ...(isForwarded(url, proxy) && { host: url.host, ...proxyAuthorization(proxy) }),
      },
      // undici would close the connection after HEAD.
      reset: false,
    };
    pools.of({ url, connection, proxy }).dispatch(options, response);
    await response.started;
    status = response.status;
    return response;
  } catch (error) {
    throw wait.failure(error);
  } finally {
    onRequest?.({ operation, registry, status, durationMs: performance.now() - startedMs });
  }
}

/** A proxy is told all of the URL, where it does not only pass bytes on. */
function requestPath(url: URL, proxy: URL | undefined): string {
  const path = `${url.pathname}${url.search}`;
  return isForwarded(url, proxy) ? `${url.origin}${path}` : path;
}
