// What one request is authorized by: candidates in turn, until the registry takes one.
import { AgentError } from '../../errors.ts';
import { repositoryOf } from '../../oci/reference.ts';
import type { Authorizer, Candidate } from './authorizer.ts';
import { type Challenge, selectChallenge } from './challenge.ts';
import type { Target } from './token-request.ts';

/** An answer of a registry that may ask for another credential. */
export interface Refused {
  readonly status: 401 | 403;
  /** Of `WWW-Authenticate`. */
  readonly challenge: string | undefined;
}

/** The trial of one request: `first` before it is sent, `next` after each refusal. */
export class Trial {
  readonly #authorizer: Authorizer;
  readonly #target: Target;
  readonly #tried = new Set<string>();
  #left: Candidate[] | undefined;
  #current: { readonly candidate: Candidate; readonly authorization: string } | undefined;
  /** Until a token that was kept has been refused: it may only have grown old. */
  #isKept = false;
  #denied: AgentError | undefined;

  constructor(authorizer: Authorizer, target: Target) {
    this.#authorizer = authorizer;
    this.#target = target;
  }

  /**
   * The header for a request, by what the registry asked for last; `undefined` if it never asked,
   * or if there is no credential for what it asks. Saves being refused first.
   */
  async first(signal: AbortSignal): Promise<string | undefined> {
    const challenge = this.#authorizer.challengeOf(this.#target);
    if (challenge === undefined) return undefined;
    this.#isKept = true;
    return this.#take(challenge, signal);
  }

  /**
   * The header to try after a refusal, or `undefined` if there is nothing left to try. Throws
   * `registry_denied` if the token service denies all, and the other codes of the token service's
   * failures, which name the service.
   */
  async next(
    { status, challenge: header }: Refused,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const asked = selectChallenge(header);
    // A 403 names no challenge: it is the credential that is refused, not that there is none.
    const challenge =
      asked ?? (status === 403 ? this.#authorizer.challengeOf(this.#target) : undefined);
    if (challenge === undefined) return undefined;
    this.#authorizer.setChallenge(this.#target, challenge);
    if (this.#current !== undefined) {
      const { candidate, authorization } = this.#current;
      this.#authorizer.refused(this.#target, candidate, authorization);
      const isOld = this.#isKept && status === 401;
      if (isOld) this.#left?.unshift(candidate);
      if (!isOld && candidate.credential !== undefined)
        this.#denied ??= refusal(this.#target, status);
    }
    this.#isKept = false;
    return this.#take(challenge, signal);
  }

  /**
   * Throws `registry_denied` where nothing is found without a credential, and one was refused: some
   * registries hide so what one may not see, and what is hidden is not missing.
   */
  assertNotHidden(): void {
    const isAnonymous =
      this.#current !== undefined && this.#current.candidate.credential === undefined;
    if (isAnonymous && this.#denied !== undefined) throw this.#denied;
  }

  /** The registry took what it was sent last. */
  accepted(): void {
    if (this.#current === undefined) return;
    this.#authorizer.accepted(this.#target, this.#current.candidate);
  }

  async #take(challenge: Challenge, signal: AbortSignal): Promise<string | undefined> {
    const left = (this.#left ??= await this.#authorizer.candidates(this.#target, signal));
    let denied: AgentError | undefined;
    for (let candidate; (candidate = left.shift()) !== undefined;) {
      try {
        const answer = await this.#authorizer.answer(challenge, candidate, this.#target, signal);
        if (answer === undefined || this.#tried.has(answer)) continue;
        this.#tried.add(answer);
        this.#current = { candidate, authorization: answer };
        return answer;
      } catch (error) {
        if (!(error instanceof AgentError) || error.code !== 'registry_denied') throw error;
        // The first to be tried is most often the one that should have been taken.
        denied ??= error;
        if (candidate.credential !== undefined) this.#denied ??= error;
      }
    }
    if (denied !== undefined && this.#tried.size === 0) throw denied;
    return undefined;
  }
}

function refusal(target: Target, status: number): AgentError {
  const fault = `expected one of the credentials to be taken, found ${status}, and 404 without any`;
  return new AgentError('registry_denied', `${repositoryOf(target)}: ${fault}`);
}
