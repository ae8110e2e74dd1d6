// One more attempt for a request whose connection broke under it.
import { AgentError } from '../../errors.ts';
import { isBrokenConnection } from './failure.ts';
import type { HttpResponse } from './http.ts';

/** A connection that breaks before the answer begins is tried once more, on another one. */
export async function attemptTwice(attempt: () => Promise<HttpResponse>): Promise<HttpResponse> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof AgentError) || !isBrokenConnection(error.cause)) throw error;
    return await attempt();
  }
}
