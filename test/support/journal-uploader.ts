// A stand-in for systemd-journal-upload: sends what it has from where it was answered last, again and again until it is.
import { type ClientRequest, type IncomingMessage, request } from 'node:http';

/** What came of a request. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** How a request is made; the rest is as the real one does it. */
export interface PostOptions {
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Each is a write of its own. */
  readonly body: readonly Buffer[];
}

/** Posts a body; rejects when the connection ends without an answer. */
export async function post(options: PostOptions): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = open(options);
  sent.on('response', resolve);
  sent.on('error', reject);
  for (const part of options.body) sent.write(part);
  sent.end();
  const response = await promise;
  const parts: Buffer[] = [];
  for await (const part of response as AsyncIterable<Buffer>) parts.push(part);
  return { status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() };
}

/** Begins a request; the caller writes and ends it. */
export function open({ port, path, method = 'POST', headers }: PostOptions): ClientRequest {
  return request({
    ...{ host: '127.0.0.1', port, path, method, agent: false },
    headers: {
      accept: 'text/plain',
      'content-type': 'application/vnd.fdo.journal',
      'transfer-encoding': 'chunked',
      ...headers,
    },
  });
}

const RETRY_MS = 10;

/** Holds a journal and uploads it for as long as it is not closed. */
export class JournalUploader {
  readonly #path: string;
  #entries: Buffer[] = [];
  #answered = 0;
  #port = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #round: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    this.#next(0);
  }

  /** There is a new server; what the one before was sent is forgotten. */
  connect(port: number): void {
    this.#port = port;
  }

  /** As after its state file was lost: all is sent again. */
  forget(): void {
    this.#answered = 0;
  }

  add(entry: Buffer): void {
    this.#entries.push(entry);
  }

  /** The journal is vacuumed. */
  clear(): void {
    this.#entries = [];
    this.#answered = 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  #next(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#round = this.#upload().finally(() => {
        this.#next(RETRY_MS);
      });
    }, ms);
  }

  async #upload(): Promise<void> {
    const [port, entries] = [this.#port, this.#entries];
    const body = entries.slice(this.#answered);
    if (port === 0 || body.length === 0) return;
    const end = entries.length;
    try {
      const { status } = await post({ port, path: this.#path, body });
      // Cleared or connected anew meanwhile, the answer is about something else.
      const isCurrent = port === this.#port && entries === this.#entries;
      if (status === 202 && isCurrent) this.#answered = end;
    } catch {
      // The server is gone, or not there yet: as the real one, it tries again.
      if (port === this.#port) this.#answered = Math.min(this.#answered, end);
    }
  }
}
