// Evidence over plain HTTP, from an address that was looked at or by a proxy, within bounds of time and bytes.
import { withDeadline } from '../../deadline.ts';
import { lookup } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import { AgentError } from '../../errors.ts';
import { invalidEvidence } from '../../notation/revocation/evidence-fault.ts';
import { show } from '../../oci/show.ts';
import { assertNotRefused, hostAddresses, redirectTarget, type Resolve } from './address.ts';
import { type Message, type Proxies, sendBy, sendTo } from './exchange.ts';
import { transportFailure, unreachable, within } from './failure.ts';
import type { EvidenceLimits } from './limits.ts';

export interface EvidenceRequest extends Message {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Names it in messages. */
  readonly what: string;
}

/**
 * Gives the body of a 200 answer. Content types are not looked at, as servers of CRLs are often
 * wrong about them and signatures tell. Throws `revocation_unreachable`,
 * `revocation_address_refused`, or `revocation_evidence_invalid` for a body that is too large.
 */
export type EvidenceClient = (request: EvidenceRequest, signal: AbortSignal) => Promise<Uint8Array>;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** The addresses of a host name, in the order that the system prefers. */
export const resolveBySystem: Resolve = async (hostname) => {
  const found = await lookup(hostname, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
};

/** How servers are reached. */
export interface EvidenceRoute {
  readonly resolve: Resolve;
  /** Absent: no request goes through a proxy. */
  readonly proxies?: Proxies | undefined;
}

/** Opens a connection for each request and keeps none: responders are asked once in an hour. */
export function createEvidenceClient(limits: EvidenceLimits, route: EvidenceRoute): EvidenceClient {
  return (request, caller) => {
    const { what, maxBytes, timeoutMs } = request;
    return withDeadline(caller, timeoutMs, async (signal) => {
      try {
        const response = await followRedirects(request, limits, route, signal);
        return await readBody(response, maxBytes, what);
      } catch (error) {
        if (error instanceof AgentError || !signal.aborted) throw transportFailure(error, what);
        throw unreachable(what, `expected a whole answer within ${timeoutMs} ms`, error);
      }
    });
  };
}

async function followRedirects(
  request: EvidenceRequest,
  limits: EvidenceLimits,
  route: EvidenceRoute,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { what } = request;
  let { url } = request;
  for (let followed = 0; followed <= limits.redirects; followed++) {
    const response = await ask({ ...request, url }, limits, route, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return response;
    response.destroy();
    if (!REDIRECTS.has(statusCode))
      throw unreachable(what, `expected status 200, found ${statusCode}`);
    url = redirectTarget(url, headers.location, what);
  }
  throw unreachable(what, `expected at most ${limits.redirects} redirects`);
}

async function ask(
  request: EvidenceRequest,
  limits: EvidenceLimits,
  { resolve, proxies }: EvidenceRoute,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { url, what } = request;
  const proxy = proxyFor(url, proxies, what);
  if (proxies === undefined || proxy === undefined) {
    const found = await within(() => hostAddresses(url, resolve, what), signal, what);
    return sendToAny(request, found.slice(0, limits.hostAddresses), signal);
  }
  // What a name leads to is the proxy's to resolve, from where it stands.
  assertNotRefused(url, what);
  return sendBy(proxy, proxies, request, signal);
}

function proxyFor(url: URL, proxies: Proxies | undefined, what: string): URL | undefined {
  try {
    return proxies?.of(url);
  } catch (error) {
    if (error instanceof AgentError) throw unreachable(what, error.message, error);
    throw error;
  }
}

/** One address after the other, until one answers. */
async function sendToAny(
  request: EvidenceRequest,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let failure: unknown = new Error('no address');
  for (const [index, address] of addresses.entries()) {
    // The last may take all the time that is left, which the signal bounds.
    const isLast = index === addresses.length - 1;
    const shareMs = isLast ? undefined : request.timeoutMs / addresses.length;
    try {
      return await sendTo(address, request, shareMs, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function readBody(
  response: IncomingMessage,
  maxBytes: number,
  what: string,
): Promise<Uint8Array> {
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    response.destroy();
    throw unreachable(what, `expected no content encoding, found ${show(encoding)}`);
  }
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop by an error destroys the response and, with it, the connection.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes)
      throw invalidEvidence(what, `expected at most ${maxBytes} bytes, found more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
