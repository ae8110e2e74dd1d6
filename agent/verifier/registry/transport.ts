// HTTP over undici: the only file that loads it.
import tls from 'node:tls';
import { Agent } from 'undici';
import { AgentError } from '../../errors.ts';
import { isBrokenConnection } from './failure.ts';
import type { HttpRequest, HttpResponse, RequestEvent, Transport } from './http.ts';
import type { RegistryLimits } from './limits.ts';
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
  const { limits, ca } = options;
  const agent = new Agent({
    connect: {
      timeout: limits.connectMs,
      ...(ca === undefined ? {} : { secureContext: trusting(ca) }),
    },
    connections: limits.connectionsPerOrigin,
    headersTimeout: limits.headersMs,
    bodyTimeout: limits.bodyIdleMs,
    maxHeaderSize: limits.headerBytes,
  });
  return {
    send: (request, signal) => send(agent, options, request, signal),
    close: () => agent.destroy(),
  };
}

function trusting(ca: string): tls.SecureContext {
  // Without this, the runtime takes any text for a bundle of no certificates.
  if (!ca.includes('-----BEGIN CERTIFICATE-----')) {
    throw new AgentError('setting_invalid', 'registry CA: expected PEM certificates, found none');
  }
  try {
    return tls.createSecureContext({ ca: [...tls.rootCertificates, ca] });
  } catch (cause) {
    const fault = 'expected PEM certificates, found some that cannot be read';
    throw new AgentError('setting_invalid', `registry CA: ${fault}`, { cause });
  }
}

/** A connection that breaks before the answer begins is tried once more, on another one. */
async function send(
  agent: Agent,
  options: TransportOptions,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  try {
    return await attempt(agent, options, request, signal);
  } catch (error) {
    if (!(error instanceof AgentError) || !isBrokenConnection(error.cause)) throw error;
    return await attempt(agent, options, request, signal);
  }
}

async function attempt(
  agent: Agent,
  { limits, userAgent, onRequest }: TransportOptions,
  { operation, url, method, headers, what }: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const wait = new Wait(signal, limits.requestMs, what);
  const startedMs = performance.now();
  let status: number | undefined;
  try {
    const response = await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      // A compressed body could grow without bound, and digests are over what is stored.
      headers: { 'user-agent': userAgent, 'accept-encoding': 'identity', ...headers },
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
