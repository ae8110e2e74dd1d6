// A timestamping authority on loopback: RFC 3161 over HTTP (section 3.4), as `notation sign --timestamp-url` asks one.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DER_TAGS, DerReader } from '../../agent/notation/encoding/der.ts';
import { integer, sequence } from './der.ts';
import type { TestTsa, TokenOptions } from './tsa.ts';

/** What a client asks to have stamped. */
export interface TimestampRequest {
  /** DER of the hash's AlgorithmIdentifier. */
  readonly hashIdentifier: Uint8Array;
  readonly imprint: Uint8Array;
  /** DER of the INTEGER; `null` if there is none. */
  readonly nonce: Uint8Array | null;
  /** Whether the token is to hold certificates. */
  readonly certificates: boolean;
}

export interface TsaServerOptions {
  readonly tsa: TestTsa;
  /** What to get wrong, or when to say that it is: the default is a good token of this moment. */
  readonly token?: (request: TimestampRequest) => TokenOptions;
}

const GRANTED = 0;
const MAX_REQUEST_BYTES = 64 * 1024;

/** A running authority. */
export class TsaServer {
  /** Every request so far, oldest first. */
  readonly requests: TimestampRequest[] = [];
  readonly #options: TsaServerOptions;
  readonly #server: Server;

  constructor(options: TsaServerOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.writeHead(400).end(String(error));
      });
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** `http://127.0.0.1:PORT/` */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Stops at once, connections and all. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    if (incoming.headers['content-type'] !== 'application/timestamp-query') {
      response.writeHead(415).end();
      return;
    }
    const request = parseRequest(await readBody(incoming));
    this.requests.push(request);
    const body = sequence(sequence(integer(GRANTED)), this.#stamp(request));
    response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(body);
  }

  #stamp(request: TimestampRequest): Buffer {
    const { hashIdentifier, imprint, nonce } = request;
    const options = this.#options.token?.(request) ?? {};
    return this.#options.tsa.stamp(Buffer.alloc(0), {
      ...(request.certificates ? {} : { certificates: null }),
      ...options,
      info: { hashIdentifier, imprint, nonce, time: new Date(), ...options.info },
    });
  }
}

/** Starts an authority on a free port of 127.0.0.1. */
export async function startTsaServer(options: TsaServerOptions): Promise<TsaServer> {
  const server = new TsaServer(options);
  await server.listen();
  return server;
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_REQUEST_BYTES) throw new Error('request too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** TimeStampReq (RFC 3161 2.4.1); a policy that is asked for is ignored. */
function parseRequest(bytes: Uint8Array): TimestampRequest {
  const whole = new DerReader(bytes, 'timestamp request', 'internal');
  const reader = whole.enter(DER_TAGS.sequence, 'request');
  reader.read(DER_TAGS.integer, 'version');
  const messageImprint = reader.enter(DER_TAGS.sequence, 'message imprint');
  const hashIdentifier = messageImprint.read(DER_TAGS.sequence, 'hash').raw;
  const imprint = messageImprint.read(DER_TAGS.octetString, 'digest').content;
  reader.readOptional(DER_TAGS.objectIdentifier, 'policy');
  const nonce = reader.readOptional(DER_TAGS.integer, 'nonce')?.raw ?? null;
  const certificates = reader.readOptional(DER_TAGS.boolean, 'certificates') !== undefined;
  return { hashIdentifier, imprint, nonce, certificates };
}
