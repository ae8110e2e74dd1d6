// A D-Bus connection to one peer over a Unix socket: authentication, calls, signals. No bus is
// between, so there is no Hello.
//
// Written here, because nothing fits: dbus-next is not maintained any more, @homebridge/dbus-native brings six packages,
// dbus-native (kept up again since 2026, 0.x) has 8,000 lines and an XML parser. We make three calls and read one signal.
import { createConnection, type Socket } from 'node:net';
import { AgentError } from '../../../errors.ts';
import { printable, show } from '../../../oci/show.ts';
import {
  decodeMessage,
  encodeCall,
  type Message,
  messageLength,
  type MethodCall,
} from './message.ts';
import { PREAMBLE_BYTES } from './message.ts';
import type { DbusValue } from './values.ts';

/** An open connection. */
export interface PeerConnection {
  /**
   * The values that a call returns. Throws `systemd_failed` for an answer that is an error or no
   * D-Bus, `systemd_unavailable` when the connection ends or the signal fires.
   */
  call(call: MethodCall): Promise<readonly DbusValue[]>;
  /** Every signal from now on, in order. */
  onSignal(listener: (message: Message) => void): void;
  /** Rejects when the connection ends. */
  readonly ended: Promise<never>;
  close(): void;
}

/** Errors of D-Bus that a caller tells apart, by their name. */
export class PeerError extends AgentError {
  readonly errorName: string;

  constructor(errorName: string, message: string) {
    super('systemd_failed', message);
    this.errorName = errorName;
  }
}

/** The server's side of authentication has one line of 37 characters. */
const MAX_AUTH_BYTES = 1024;
const MAX_ERROR_CHARACTERS = 500;

/**
 * Connects and authenticates as the user that this process runs as. When the signal fires, the
 * connection ends. Throws `systemd_unavailable`.
 */
export async function connectPeer(path: string, signal: AbortSignal): Promise<PeerConnection> {
  const socket = createConnection(path);
  const peer = new Peer(socket, path);
  const abort = (): void => peer.end(`gave up: ${String(signal.reason)}`);
  signal.addEventListener('abort', abort, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', abort));
  if (signal.aborted) abort();
  await peer.authenticate();
  return peer;
}

class Peer implements PeerConnection {
  readonly ended: Promise<never>;
  readonly #socket: Socket;
  readonly #path: string;
  readonly #calls = new Map<number, PromiseWithResolvers<readonly DbusValue[]>>();
  readonly #ending = Promise.withResolvers<never>();
  readonly #authenticated = Promise.withResolvers<undefined>();
  #isAuthenticated = false;
  #listener: (message: Message) => void = () => undefined;
  #pending: Uint8Array = new Uint8Array();
  #serial = 0;

  constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#path = path;
    this.ended = this.#ending.promise;
    // Whoever makes no call need not hear of it.
    this.ended.catch(() => undefined);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (error) => this.end(error.message, error));
    socket.on('close', () => this.end('the connection was closed'));
  }

  /**
   * "Authentication Protocol": EXTERNAL, with the user id in hexadecimal digits of its decimal ones.
   * BEGIN is sent with it rather than when we are let in, as systemd's own clients do: a call that
   * systemd reads together with BEGIN is not looked at until more bytes come, which may be never.
   */
  async authenticate(): Promise<void> {
    const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex');
    this.#socket.write(`\0AUTH EXTERNAL ${uid}\r\nBEGIN\r\n`);
    await Promise.race([this.#authenticated.promise, this.ended]);
  }

  async call(call: MethodCall): Promise<readonly DbusValue[]> {
    this.#serial += 1;
    const serial = this.#serial;
    const answer = Promise.withResolvers<readonly DbusValue[]>();
    this.#calls.set(serial, answer);
    this.#socket.write(encodeCall(call, serial));
    try {
      return await Promise.race([answer.promise, this.ended]);
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      throw new PeerError(error.errorName, `systemd: ${call.member}: ${error.message}`);
    } finally {
      this.#calls.delete(serial);
    }
  }

  onSignal(listener: (message: Message) => void): void {
    this.#listener = listener;
  }

  close(): void {
    this.end('the connection was closed');
  }

  end(reason: string, cause?: unknown): void {
    this.#fail(
      new AgentError('systemd_unavailable', `systemd at ${this.#path}: ${reason}`, { cause }),
    );
  }

  #fail(error: AgentError): void {
    this.#ending.reject(error);
    this.#socket.destroy();
  }

  #receive(chunk: Uint8Array): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    try {
      if (!this.#isAuthenticated) this.#readAuthentication();
      if (this.#isAuthenticated) this.#readMessages();
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#fail(error);
    }
  }

  #readAuthentication(): void {
    const end = this.#pending.indexOf(0x0a);
    if (end < 0 && this.#pending.length <= MAX_AUTH_BYTES) return;
    const line = Buffer.from(this.#pending.subarray(0, end)).toString('latin1').trim();
    if (!/^OK [0-9a-f]+$/.test(line)) {
      throw new AgentError(
        'systemd_unavailable',
        `systemd at ${this.#path}: expected to be let in as its user, found ${show(line)}; run as root`,
      );
    }
    this.#pending = this.#pending.subarray(end + 1);
    this.#isAuthenticated = true;
    this.#authenticated.resolve(undefined);
  }

  #readMessages(): void {
    for (;;) {
      if (this.#pending.length < PREAMBLE_BYTES) return;
      const length = messageLength(this.#pending);
      if (this.#pending.length < length) return;
      const message = decodeMessage(this.#pending.subarray(0, length));
      this.#pending = this.#pending.subarray(length);
      this.#dispatch(message);
    }
  }

  #dispatch(message: Message): void {
    if (message.kind === 'signal') this.#listener(message);
    const call = this.#calls.get(message.replySerial ?? 0);
    if (call === undefined) return;
    if (message.kind === 'return') call.resolve(message.values());
    if (message.kind === 'error') call.reject(errorOf(message));
  }
}

/** The first value of an error, if it is a string, is its message. */
function errorOf(message: Message): PeerError {
  const name = message.errorName ?? 'an error without a name';
  const [text] = message.values();
  const told = typeof text === 'string' ? `: ${text}` : '';
  return new PeerError(name, printable(`${name}${told}`, MAX_ERROR_CHARACTERS));
}
