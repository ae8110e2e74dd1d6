// One exchange over plain HTTP, to an address that was looked at, within bounds of time and bytes.
import { withDeadline } from '../../deadline.ts';
import { lookup } from 'node:dns/promises';
import { type IncomingMessage, request as openRequest } from 'node:http';
import { AgentError } from '../../errors.ts';
import { invalidEvidence } from '../../notation/revocation/evidence-fault.ts';
import { show } from '../../oci/show.ts';
import { hostAddresses, redirectTarget, type Resolve } from './address.ts';
import { transportFailure, unreachable, within } from './failure.ts';
import type { EvidenceLimits } from './limits.ts';

export interface EvidenceRequest {
  readonly url: URL;
  /** Sent by POST as `application/ocsp-request`; absent: GET. */
  readonly body?: Uint8Array;
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
const MAX_HEADER_BYTES = 16 * 1024;

/** The addresses of a host name, in the order that the system prefers. */
export const resolveBySystem: Resolve = async (hostname) => {
  const found = await lookup(hostname, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
};

/** Opens a connection for each request and keeps none: responders are asked once in an hour. */
export function createEvidenceClient(limits: EvidenceLimits, resolve: Resolve): EvidenceClient {
  return (request, caller) => {
    const { what, maxBytes, timeoutMs } = request;
    return withDeadline(caller, timeoutMs, async (signal) => {
      try {
        const response = await followRedirects(request, limits, resolve, signal);
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
  resolve: Resolve,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { what } = request;
  let { url } = request;
  for (let followed = 0; followed <= limits.redirects; followed++) {
    const current = url;
    const found = await within(() => hostAddresses(current, resolve, what), signal, what);
    const addresses = found.slice(0, limits.hostAddresses);
    const response = await sendToAny({ ...request, url }, addresses, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return response;
    response.destroy();
    if (!REDIRECTS.has(statusCode))
      throw unreachable(what, `expected status 200, found ${statusCode}`);
    url = redirectTarget(url, headers.location, what);
  }
  throw unreachable(what, `expected at most ${limits.redirects} redirects`);
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
      return await send(request, address, shareMs, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** Resolves when the answer begins. Nothing is taken from the environment, proxies for one. */
async function send(
  { url, body }: EvidenceRequest,
  address: string,
  shareMs: number | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = openRequest({
    host: address,
    port: url.port === '' ? 80 : Number(url.port),
    path: `${url.pathname}${url.search}`,
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      host: url.host,
      'user-agent': 'nodeseal',
      'accept-encoding': 'identity',
      connection: 'close',
      ...(body && { 'content-type': 'application/ocsp-request', 'content-length': body.length }),
    },
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
