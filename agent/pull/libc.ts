// Calls of libc for the pull verifier: loading node:fs and node:net alone would cost more time than an answer of the agent.
import { AgentError } from '../errors.ts';

/** What is called, with the types of the machine's C; the same on every 64-bit Linux. */
const SIGNATURES = {
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
} as const;

/** An array stands for a pointer to its first byte, valid during the call, and null for none. */
type Argument = number | Uint8Array | Uint32Array | null;
type Call = (...args: readonly Argument[]) => number;
export type Libc = Readonly<Record<keyof typeof SIGNATURES, Call>>;

function openLibc(): Libc {
  // What the module bun:ffi is made from: loading that takes longer than all calls of a pull.
  const library = Bun.FFI.dlopen('libc.so.6', SIGNATURES);
  if (library instanceof Error) throw library;
  const calls: Record<string, Call> = {};
  for (const [name, call] of Object.entries(library.symbols)) {
    calls[name] = (...args) => Number(call(...args.map(toNative)));
  }
  return calls as Libc;
}

function toNative(argument: Argument): number | null {
  return typeof argument === 'object' && argument !== null ? Bun.FFI.ptr(argument) : argument;
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
  return Bun.FFI.read.i32(loadLibc().__errno_location());
}
