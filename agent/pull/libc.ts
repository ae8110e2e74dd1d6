// Calls of libc for the pull verifier: loading node:fs and node:net alone would cost more time than an answer of the agent.
import { dlopen, read } from 'bun:ffi';
import { AgentError } from '../errors.ts';

/** What is called, with the types of the machine's C; the same on every 64-bit Linux. */
export type Libc = ReturnType<typeof openLibc>;

function openLibc() {
  return dlopen('libc.so.6', {
    open: { args: ['ptr', 'i32'], returns: 'i32' },
    read: { args: ['i32', 'ptr', 'u64'], returns: 'i64' },
    write: { args: ['i32', 'ptr', 'u64'], returns: 'i64' },
    close: { args: ['i32'], returns: 'i32' },
    socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
    connect: { args: ['i32', 'ptr', 'u32'], returns: 'i32' },
    send: { args: ['i32', 'ptr', 'u64', 'i32'], returns: 'i64' },
    ioctl: { args: ['i32', 'u64', 'ptr'], returns: 'i32' },
    setsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'u32'], returns: 'i32' },
    getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
    utimes: { args: ['ptr', 'ptr'], returns: 'i32' },
    sched_yield: { args: [], returns: 'i32' },
    __errno_location: { args: [], returns: 'ptr' },
  }).symbols;
}

let libc: Libc | undefined;

/** Opens it once. Throws `agent_unavailable` where there is no glibc, on which the executable rests anyway. */
export function loadLibc(): Libc {
  try {
    libc ??= openLibc();
    return libc;
  } catch (cause) {
    throw new AgentError('agent_unavailable', 'libc.so.6: expected its calls', { cause });
  }
}

/** The error number that the last call left. Whatever runs in between may leave another. */
export function lastError(): number {
  return read.i32(loadLibc().__errno_location());
}
