// Assertions that make the error code part of the contract.
import { expect } from 'vitest';
import { AgentError, type ErrorCode } from '../../agent/errors.ts';

/** Runs `action`, expects it to throw an AgentError with `code`, and returns that error. */
export function expectCode(action: () => unknown, code: ErrorCode): AgentError {
  let outcome: unknown;
  try {
    outcome = action();
  } catch (error) {
    return assertCode(error, code);
  }
  return expect.fail(`expected ${code}, but it returned ${JSON.stringify(outcome)}`);
}

/** The same for a promise. */
export async function expectCodeAsync(
  promise: Promise<unknown>,
  code: ErrorCode,
): Promise<AgentError> {
  let outcome: unknown;
  try {
    outcome = await promise;
  } catch (error) {
    return assertCode(error, code);
  }
  return expect.fail(`expected ${code}, but it resolved to ${JSON.stringify(outcome)}`);
}

function assertCode(error: unknown, code: ErrorCode): AgentError {
  if (!(error instanceof AgentError)) throw error;
  expect({ code: error.code, message: error.message }).toMatchObject({ code });
  return error;
}
