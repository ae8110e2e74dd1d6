// One HTTP request and its response, over connections that are kept.
import { AgentError } from '../../errors.ts';
import { isBrokenConnection } from './failure.ts';
import type { HttpRequest, HttpResponse, RequestEvent, Transport } from './http.ts';
import type { RegistryLimits } from './limits.ts';
import { Pools } from './pools.ts';
import { BoundedResponse } from './response.ts';
import { Wait } from './wait.ts';

export interface TransportOptions {
  readonly limits: RegistryLimits;
  readonly userAgent: string;
  /** Certificates in PEM that are trusted beside those that the runtime brings. */
  readonly ca?: string;
  readonly onRequest?: (event: RequestEvent) => void;
}

/** Opens no connection yet. Throws `setting_invalid` if `ca` is not PEM. */
export function createTransport(options: TransportOptions): Transport {
  const pools = new Pools(options.limits, options.ca);
  return {
    send: (request, signal) => send(pools, options, request, signal),
    close: () => pools.close(),
  };
}

/** A connection that breaks before the answer begins is tried once more, on another one. */
async function send(
  pools: Pools,
  options: TransportOptions,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  try {
    return await attempt(pools, options, request, signal);
  } catch (error) {
    if (!(error instanceof AgentError) || !isBrokenConnection(error.cause)) throw error;
    return await attempt(pools, options, request, signal);
  }
}

async function attempt(
  pools: Pools,
  { limits, userAgent, onRequest }: TransportOptions,
  { operation, url, method, headers, what }: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const wait = new Wait(signal, limits.requestMs, what);
  const startedMs = performance.now();
  let status: number | undefined;
  try {
    const response = await pools.of(url.origin).request({
      path: `${url.pathname}${url.search}`,
      method,
      // A compressed body could grow without bound, and digests are over what is stored.
      headers: { 'user-agent': userAgent, 'accept-encoding': 'identity', ...headers },
      // undici would close the connection after HEAD.
      reset: false,
      signal: wait.signal,
    });
    status = response.statusCode;
    return new BoundedResponse(response, what, wait);
  } catch (error) {
    throw wait.failure(error);
  } finally {
    onRequest?.({ operation, status, durationMs: performance.now() - startedMs });
  }
}
