// HTTP(S) for systemd-journal-upload: lets in who knows the token, one body at a time, and answers
// as systemd-journal-remote does.
import { createHash, timingSafeEqual } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { DatedResponse } from '../../dated-response.ts';
import { AgentError } from '../../errors.ts';

/** Where to listen, and whom to let in. */
export interface UploadServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The first segment of the path; whoever knows it may say anything in the name of this node's containerd. */
  readonly token: string;
  /** Certificate chain and key in PEM. Default: plain HTTP, which shows the token to the network. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** What came of a body; `refused` means that it is to be sent again. */
export type BodyOutcome = 'taken' | 'unfinished' | 'refused';

/** Takes a body to its end. One that rejects is answered as `refused`. */
export type TakeBody = (body: AsyncIterable<Buffer>) => Promise<BodyOutcome>;

export interface UploadServer {
  readonly port: number;
  /** Cuts off what is under way: it was not answered, so it is sent again. */
  close(): Promise<void>;
}

/** The token's path and a few headers. */
const MAX_HEADER_BYTES = 8 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
/** journal-upload sends what there is and ends the body; one that stands still is a dead connection. */
export const IDLE_TIMEOUT_MS = 60_000;
/** There is one journal-upload; others are its predecessors, whose connections are not known to be dead yet. */
const MAX_CONNECTIONS = 8;
/** The journal of a machine is 4 GiB at most unless somebody asked for more; a first upload sends it whole. */
export const MAX_BODY_BYTES = 64 * 1024 ** 3;

const CONTENT_TYPE = 'application/vnd.fdo.journal';

/** Serves until closed; resolves once it listens. Throws `setting_invalid` when it cannot listen there. */
export async function startUploadServer(
  options: UploadServerOptions,
  take: TakeBody,
): Promise<UploadServer> {
  const turns = new Turns();
  const answer: RequestListener = (request, response) => {
    const refusal = refusalOf(request, options.token);
    if (refusal !== undefined) {
      send(response, refusal, true);
      return;
    }
    if (request.headers.expect !== undefined) response.writeContinue();
    void turns
      .take(() => take(chunksOf(request)))
      .catch((): BodyOutcome => 'refused')
      .then((outcome) => {
        send(response, REPLIES[outcome], outcome !== 'taken');
      });
  };
  const server = create(options, answer);
  // Without it, Node would ask for a body before anybody has looked at the token.
  server.on('checkContinue', answer);
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, options);
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

type Reply = readonly [status: number, text: string];

const REPLIES: Readonly<Record<BodyOutcome, Reply>> = {
  taken: [202, 'OK.\n'],
  unfinished: [417, 'The body ends within an entry.\n'],
  refused: [503, 'Not taken; send it again.\n'],
};

/** Says nothing to who does not know the token that it would not say of any path. */
function refusalOf({ method, url, headers }: IncomingMessage, token: string): Reply | undefined {
  const [, secret = '', ...rest] = (url ?? '').split('/');
  if (!isEqual(secret, token) || rest.join('/') !== 'upload') return [404, 'Not found.\n'];
  if (method !== 'POST') return [406, 'Unsupported method.\n'];
  if (headers['content-type'] !== CONTENT_TYPE) {
    return [415, `Content-Type: ${CONTENT_TYPE} is required.\n`];
  }
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    return [415, 'Content-Encoding is not supported.\n'];
  }
  const isTooLong = Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES;
  return isTooLong ? [413, `At most ${MAX_BODY_BYTES} bytes.\n`] : undefined;
}

// In constant time also where the lengths differ.
function isEqual(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

async function* chunksOf(request: IncomingMessage): AsyncGenerator<Buffer, void> {
  let bytes = 0;
  const wait = (): NodeJS.Timeout =>
    setTimeout(() => {
      request.destroy(new Error(`no bytes for ${IDLE_TIMEOUT_MS} ms`));
    }, IDLE_TIMEOUT_MS);
  // Only while bytes are waited for: what they are used for may take its time.
  let idle = wait();
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      clearTimeout(idle);
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) throw new Error('the body is too long');
      yield chunk;
      idle = wait();
    }
    // A connection that broke ends the iteration with an error; this is for one that Node ends otherwise.
    if (!request.complete) throw new Error('the body was cut off');
  } finally {
    clearTimeout(idle);
  }
}

/** Bodies one after the other: of two at once, the places in the journal would mingle. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function send(response: ServerResponse, [status, text]: Reply, isLast: boolean): void {
  response.writeHead(status, {
    'content-type': 'text/plain',
    'content-length': Buffer.byteLength(text),
    // What was not read of a body would be taken for the next request.
    ...(isLast ? { connection: 'close' } : {}),
  });
  response.end(text);
}

function create({ tls }: UploadServerOptions, answer: RequestListener): Server {
  const settings = {
    ServerResponse: DatedResponse,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // A body lasts for as long as the journal has more.
    requestTimeout: 0,
  };
  if (tls === undefined) return createServer(settings, answer);
  return createTlsServer({ ...settings, cert: tls.certificate, key: tls.key }, answer);
}

function listen(server: Server, { host, port }: UploadServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `journal upload: expected an address to listen on, found ${host} port ${port}: ${cause.message}`;
      reject(new AgentError('setting_invalid', message, { cause }));
    });
    server.listen({ host, port }, resolve);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
