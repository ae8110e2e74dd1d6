// What the pull verifier and the agent say to each other: one JSON line each way over a Unix socket.
import { AgentError, ERROR_CODES, type ErrorCode } from '../errors.ts';
import { parseVerdict, type Verdict } from '../notation/verification/verdict.ts';
import { type Descriptor, parseDescriptor } from '../oci/descriptor.ts';
import { isPullMode, type PullMode } from './mode.ts';

/** A pull for the agent to judge. */
export interface PullRequest {
  readonly name: string;
  readonly descriptor: Descriptor;
}

/** The agent's verdict and whether pulls are bound by it, or the error that kept it from one. */
export type PullResponse =
  | { readonly verdict: Verdict; readonly mode: PullMode }
  | { readonly error: { code: ErrorCode; message: string } };

/** A descriptor and a name; a longer line is not from our verifier. */
export const MAX_REQUEST_BYTES = 512 * 1024;
/** A verdict holds five results and a few names; a longer line is not from our agent. */
export const MAX_RESPONSE_BYTES = 64 * 1024;

/** Raised whenever a field changes its meaning, so that an old verifier never misreads a new agent. */
const PROTOCOL = 1;

/** One line, its newline included. */
export function encodeRequest(request: PullRequest): string {
  return `${JSON.stringify({ protocol: PROTOCOL, ...request })}\n`;
}

/** Parses a line that came from the verifier. Throws `invocation_invalid` or `descriptor_invalid`. */
export function parseRequest(line: string): PullRequest {
  const { name, descriptor } = parseLine(line, 'request from the pull verifier');
  if (typeof name !== 'string') throw malformed('request from the pull verifier', 'a name');
  return { name, descriptor: parseDescriptor(descriptor, 'descriptor of the pull') };
}

/** One line, its newline included. */
export function encodeResponse(response: PullResponse): string {
  return `${JSON.stringify({ protocol: PROTOCOL, ...response })}\n`;
}

/** Parses a line that came from the agent. Throws `invocation_invalid` when it is not of the protocol. */
export function parseResponse(line: string): PullResponse {
  const { verdict, error, mode = 'enforce' } = parseLine(line, 'answer from the agent');
  if (verdict !== undefined) {
    // An agent from before there were modes enforces.
    if (!isPullMode(mode)) throw malformed('answer from the agent', 'a mode');
    return { verdict: parseVerdict(verdict), mode };
  }
  if (typeof error === 'object' && error !== null && 'code' in error && 'message' in error) {
    const { code, message } = error;
    if (typeof code === 'string' && isErrorCode(code) && typeof message === 'string') {
      return { error: { code, message } };
    }
  }
  throw malformed('answer from the agent', 'a verdict or an error');
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

function parseLine(line: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw malformed(what, 'one line of JSON', cause);
  }
  if (typeof value !== 'object' || value === null || !('protocol' in value)) {
    throw malformed(what, 'an object with a protocol number');
  }
  if (value.protocol !== PROTOCOL) throw malformed(what, `protocol ${PROTOCOL}`);
  return value;
}

function malformed(what: string, expected: string, cause?: unknown): AgentError {
  return new AgentError('invocation_invalid', `${what}: expected ${expected}`, { cause });
}
