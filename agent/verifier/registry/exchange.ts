// From a request to the response that counts: redirects followed, one pause kept where one is asked for.
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError } from '../../errors.ts';
import { interrupted } from './failure.ts';
import { withoutClient } from './hosts/connection.ts';
import type { HttpRequest, HttpResponse, Transport } from './http.ts';
import type { RegistryLimits } from './limits.ts';
import { isRedirect, redirectTarget } from './redirect.ts';

/** A response, and whether it came from the origin that was asked. */
export interface Exchange {
  readonly response: HttpResponse;
  readonly redirectedAway: boolean;
}

/** Spreads those that were told the same pause by the same registry. */
const RETRY_JITTER_MS = 100;

/**
 * Sends a request and follows its redirects. Credentials go to the origin that was asked and,
 * once another one has been, to nobody. A 429 or 503 that names a short pause is tried
 * once more.
 * Throws `registry_redirect_refused` and what `Transport.send` throws; any status but a redirect
 * is a response.
 */
export async function exchange(
  transport: Transport,
  request: HttpRequest,
  limits: RegistryLimits,
  signal: AbortSignal,
): Promise<Exchange> {
  let current = request;
  let redirectedAway = false;
  for (let followed = 0; ; followed++) {
    const response = await sendPatiently(transport, current, limits, signal);
    if (!isRedirect(response.status)) return { response, redirectedAway };
    await response.discard();
    if (followed === limits.redirects) {
      const fault = `expected at most ${limits.redirects} redirects, found more`;
      throw new AgentError('registry_redirect_refused', `${request.what}: ${fault}`);
    }
    const url = redirectTarget(current.url, response.header('location'), request.what);
    redirectedAway ||= url.origin !== request.url.origin;
    if (redirectedAway && request.body !== undefined) {
      const fault = 'expected no redirect to another origin with what it was sent, found one';
      throw new AgentError('registry_redirect_refused', `${request.what}: ${fault}`);
    }
    current = redirectedAway ? { ...withoutCredentials(current), url } : { ...current, url };
  }
}

/** Headers of a hosts.toml may be credentials too, and so is a client's certificate. */
function withoutCredentials({ headers, connection, ...request }: HttpRequest): HttpRequest {
  return {
    ...request,
    headers: headers['accept'] === undefined ? {} : { accept: headers['accept'] },
    ...(connection && { connection: withoutClient(connection) }),
  };
}

async function sendPatiently(
  transport: Transport,
  request: HttpRequest,
  limits: RegistryLimits,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const response = await transport.send(request, signal);
  // A registry under maintenance says when it will be back; any other 503 may be for long.
  if (response.status !== 429 && response.status !== 503) return response;
  const pauseMs = parseRetryAfterMs(response.header('retry-after'));
  if (pauseMs === undefined || pauseMs > limits.retryAfterMs) return response;
  await response.discard();
  try {
    await delay(pauseMs + Math.random() * RETRY_JITTER_MS, undefined, { signal });
  } catch {
    // Only the signal ends a delay early.
    throw interrupted(signal, request.what);
  }
  return transport.send(request, signal);
}

/** Seconds only: a date would be as far off as the two clocks are from each other. */
function parseRetryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) * 1000 : undefined;
}
