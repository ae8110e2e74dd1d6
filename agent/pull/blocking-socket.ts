// A blocking Unix stream socket: an event loop would cost the verifier more time than the agent's answer.
import { AgentError } from '../errors.ts';
import { type Libc, loadLibc } from './libc.ts';

// <bits/socket.h>, <asm-generic/socket.h>: the same numbers on every 64-bit architecture that Bun runs on.
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const MSG_NOSIGNAL = 0x4000;
/** <linux/sockios.h>: how much of what was sent the other side has not read yet. */
const SIOCOUTQ = 0x5411;
/** Readers are there within this, and to sleep costs twice as long as they take. */
const UNREAD_YIELD_MS = 1;
const UNREAD_SLEEP_MS = 0.2;
/** `sun_path` of `struct sockaddr_un`, its final zero byte included. */
const MAX_PATH_BYTES = 108;
/** `struct ucred`: pid, uid and gid of 32 bits each. */
const UCRED_BYTES = 12;
const RECEIVE_BYTES = 64 * 1024;

/**
 * A connected socket whose every wait ends at a deadline. All methods throw `agent_unavailable`
 * when the other side is gone, silent for too long, or says too much. Whoever opened it closes it.
 */
export class BlockingSocket {
  readonly #path: string;
  #deadline: number;
  readonly #calls: Libc;
  readonly #fd: number;

  /** `deadline` is on the clock of `performance.now()`; it also bounds connecting to a full backlog. */
  constructor(path: string, deadline: number) {
    this.#path = path;
    this.#deadline = deadline;
    const address = encodeAddress(path);
    this.#calls = loadLibc();
    this.#fd = this.#calls.socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
    if (this.#fd < 0) throw this.#failed('socket');
    try {
      this.#boundNextCall(SO_SNDTIMEO);
      this.#check('connect', this.#calls.connect(this.#fd, address, address.length));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Who listened, as the kernel knows it. */
  peerUid(): number {
    const credentials = Buffer.alloc(UCRED_BYTES);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(UCRED_BYTES);
    const result = this.#calls.getsockopt(this.#fd, SOL_SOCKET, SO_PEERCRED, credentials, length);
    this.#check('getsockopt', result);
    return credentials.readUInt32LE(4);
  }

  /** Returns when all bytes are in the kernel's hands. */
  send(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      this.#boundNextCall(SO_SNDTIMEO);
      const sent = this.#calls.send(this.#fd, rest, rest.length, MSG_NOSIGNAL);
      rest = rest.subarray(this.#check('send', sent));
    }
  }

  /** One line without its end; everything up to the other side's end where that comes first. */
  receiveLine(maxBytes: number): string {
    const chunks: Buffer[] = [];
    let length = 0;
    for (;;) {
      const chunk = this.#receive();
      if (chunk.length === 0) break;
      const end = chunk.indexOf(0x0a);
      chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
      length += chunk.length;
      if (length > maxBytes) throw this.#failed(`at most ${maxBytes} bytes`);
      if (end >= 0) break;
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  /** Returns when the other side has read all that was sent. */
  waitUntilRead(): void {
    const unread = Buffer.alloc(4);
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    const started = performance.now();
    for (;;) {
      this.#check('ioctl', this.#calls.ioctl(this.#fd, SIOCOUTQ, unread));
      if (unread.readInt32LE() === 0) return;
      const now = performance.now();
      if (now > this.#deadline) throw this.#failed('a reader before the deadline');
      if (now - started < UNREAD_YIELD_MS) this.#calls.sched_yield();
      else Atomics.wait(sleeper, 0, 0, UNREAD_SLEEP_MS);
    }
  }

  /** Sets another deadline for what is still to come. */
  waitNoLongerThan(deadline: number): void {
    this.#deadline = deadline;
  }

  close(): void {
    this.#calls.close(this.#fd);
  }

  #receive(): Buffer {
    const buffer = Buffer.allocUnsafe(RECEIVE_BYTES);
    this.#boundNextCall(SO_RCVTIMEO);
    const received = this.#calls.read(this.#fd, buffer, buffer.length);
    return buffer.subarray(0, this.#check('read', received));
  }

  // A timeout of zero would mean to wait for ever.
  #boundNextCall(option: number): void {
    const leftUs = Math.floor((this.#deadline - performance.now()) * 1000);
    if (leftUs <= 0) throw this.#failed('an answer before the deadline');
    const timeval = Buffer.alloc(16);
    timeval.writeBigInt64LE(BigInt(Math.floor(leftUs / 1_000_000)), 0);
    timeval.writeBigInt64LE(BigInt(leftUs % 1_000_000), 8);
    const result = this.#calls.setsockopt(this.#fd, SOL_SOCKET, option, timeval, timeval.length);
    this.#check('setsockopt', result);
  }

  #check(call: string, result: number): number {
    if (result < 0) throw this.#failed(`${call} to succeed in time`);
    return result;
  }

  #failed(expected: string): AgentError {
    return new AgentError('agent_unavailable', `socket ${this.#path}: expected ${expected}`);
  }
}

function encodeAddress(path: string): Buffer {
  const bytes = Buffer.from(`${path}\0`);
  if (bytes.length > MAX_PATH_BYTES) {
    throw new AgentError(
      'agent_unavailable',
      `socket ${path}: expected a path of at most ${MAX_PATH_BYTES - 1} bytes`,
    );
  }
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, bytes]);
}
