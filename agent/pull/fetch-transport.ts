// HTTP requests by Bun's own fetch: where one image is judged, the event loop of node:net costs
// more time than all its requests.
import { AgentError } from '../errors.ts';
import { decodePemCertificates } from '../notation/encoding/pem.ts';
import { attemptTwice } from '../verifier/registry/attempt-twice.ts';
import type { HostConnection } from '../verifier/registry/hosts/connection.ts';
import type {
  CreateTransport,
  HttpRequest,
  HttpResponse,
  TransportOptions,
} from '../verifier/registry/http.ts';

import { Wait } from '../verifier/registry/wait.ts';
import { FetchedResponse } from './fetched-response.ts';
import { IdleTimer } from './idle-timer.ts';

/** What Bun's fetch takes beyond the standard. */
interface BunRequestInit extends RequestInit {
  readonly decompress: false;
  readonly proxy?: string;
  readonly tls?: {
    readonly ca?: readonly string[];
    readonly cert?: readonly string[];
    readonly key?: readonly string[];
    readonly rejectUnauthorized?: boolean;
  };
}

/** Nothing but its caller bounds how many connections it opens to one origin. */
export const createFetchTransport: CreateTransport = (options) => {
  if (options.ca !== undefined) assertPem(options.ca);
  const underWay = new Set<IdleTimer>();
  const init: BunRequestInit = {
    // Both are for the registry client to judge: where a redirect leads, and what was compressed.
    redirect: 'manual',
    decompress: false,
  };
  const usual = tlsOf(options.ca, undefined);
  const attempt = async (request: HttpRequest, signal: AbortSignal) => {
    const idle = new IdleTimer(request.what);
    underWay.add(idle);
    const { connection } = request;
    const tls = connection === undefined ? usual : tlsOf(options.ca, connection);
    return send(options, { ...init, ...tls }, request, idle, signal);
  };
  return {
    send: (request, signal) => attemptTwice(() => attempt(request, signal)),
    close() {
      const reason = 'registry client: it has been closed';
      for (const idle of underWay) idle.end(new AgentError('registry_unreachable', reason));
      return Promise.resolve();
    },
  };
};

async function send(
  { limits, userAgent, onRequest, proxyOf }: TransportOptions,
  init: BunRequestInit,
  { operation, connection, registry, url, method, headers, body, what }: HttpRequest,
  idle: IdleTimer,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const wait = new Wait(signal, limits.requestMs, what);
  const startedMs = performance.now();
  let status: number | undefined;
  try {
    // fetch does not tell when it is connected: what is short for connecting is short for all of it.
    idle.start(Math.min(connection?.dialTimeoutMs ?? Infinity, limits.headersMs));
    const proxy = proxyOf?.(url);
    const terms: BunRequestInit = {
      ...init,
      ...(proxy && { proxy: proxy.href }),
      method,
      ...(body === undefined ? {} : { body }),
      headers: { 'user-agent': userAgent, 'accept-encoding': 'identity', ...headers },
      signal: AbortSignal.any([wait.signal, idle.signal]),
    };
    const response = await unproxied(() => fetch(url, terms));
    status = response.status;
    assertHeaderSize(response.headers, limits.headerBytes, what);
    return new FetchedResponse(response, what, { wait, idle, idleMs: limits.bodyIdleMs });
  } catch (error) {
    throw wait.failure(error);
  } finally {
    idle.stop();
    onRequest?.({ operation, registry, status, durationMs: performance.now() - startedMs });
  }
}

/** Bun has a bound of its own, a much larger one. */
function assertHeaderSize(headers: Headers, maxBytes: number, what: string): void {
  let size = 0;
  for (const [name, value] of headers) size += name.length + value.length;
  if (size <= maxBytes) return;
  const fault = `expected at most ${maxBytes} bytes of headers, found more`;
  throw new AgentError('content_too_large', `${what}: ${fault}`);
}

/** Bun takes any text for certificates. */
function assertPem(ca: string): void {
  decodePemCertificates(Buffer.from(ca), { what: 'registry CA', code: 'setting_invalid' });
}

function tlsOf(
  ca: string | undefined,
  connection: HostConnection | undefined,
): Pick<BunRequestInit, 'tls'> {
  const { ca: own = '', clientCertificates = [], skipVerify = false } = connection ?? {};
  const authorities = [ca ?? '', own].filter((pem) => pem !== '');
  if (authorities.length === 0 && clientCertificates.length === 0 && !skipVerify) return {};
  return {
    tls: {
      ...(authorities.length > 0 && { ca: [...rootCertificates(), ...authorities] }),
      ...(clientCertificates.length > 0 && {
        cert: clientCertificates.map(({ certificate }) => certificate),
        key: clientCertificates.map(({ key }) => key),
      }),
      ...(skipVerify && { rejectUnauthorized: false }),
    },
  };
}

/** Bun trusts the given ones instead of these. Loaded late: it takes longer than all else. */
function rootCertificates(): readonly string[] {
  return process.getBuiltinModule('node:tls').rootCertificates;
}

/** Bun goes by these too, with rules of its own: not Go's, and whatever it is told. */
const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

/** Starts a request without them; programs that are started later have them again. */
function unproxied<T>(start: () => T): T {
  const { env } = process;
  const hidden = PROXY_VARIABLES.filter((name) => env[name] !== undefined);
  const values = hidden.map((name) => [name, env[name]] as const);
  for (const name of hidden) Reflect.deleteProperty(env, name);
  try {
    return start();
  } finally {
    for (const [name, value] of values) env[name] = value;
  }
}
