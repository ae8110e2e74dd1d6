// The property that every parser has: a value, or our own error.
import { AgentError } from '../../agent/errors.ts';

/** Runs a parser; an AgentError counts as an answer, any other error is thrown on. */
export function valueOrAgentError<T>(parse: () => T): T | AgentError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}
