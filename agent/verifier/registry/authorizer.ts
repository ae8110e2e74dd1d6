// What to write in `Authorization`: challenges remembered per registry, tokens per repository.
import { parseStrictJson } from '../../notation/encoding/json.ts';
import { repositoryOf } from '../../oci/reference.ts';
import { type Challenge, selectChallenge } from './challenge.ts';
import { basicAuthorization, type CredentialSource } from './credentials.ts';
import { exchange } from './exchange.ts';
import { untilAborted } from './failure.ts';
import type { Transport } from './http.ts';
import type { RegistryLimits } from './limits.ts';
import { shownUrl } from './shown-url.ts';
import { expectSuccess } from './success.ts';
import { parseToken, type Token, tokenUrl } from './token.ts';
import { TokenCache } from './token-cache.ts';

export interface AuthorizerOptions {
  readonly transport: Transport;
  readonly limits: RegistryLimits;
  readonly credentials: CredentialSource;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** A repository, and the origin that serves it. */
export interface Target {
  readonly registry: string;
  readonly repository: string;
  readonly origin: URL;
}

type BearerChallenge = Extract<Challenge, { scheme: 'bearer' }>;

/** Owns the tokens; asks for credentials each time, and keeps none. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #challenges = new Map<string, Challenge>();
  readonly #tokens: TokenCache;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    this.#tokens = new TokenCache(options.limits.tokens, options.nowMs);
  }

  /**
   * The header for a request, by what the registry asked for last; `undefined` if it never asked,
   * or if there is no credential for what it asks. Saves being refused first.
   */
  async authorization(target: Target, signal: AbortSignal): Promise<string | undefined> {
    const challenge = this.#challenges.get(target.registry);
    return challenge === undefined ? undefined : this.#answer(challenge, target, signal);
  }

  /**
   * The header to try after a 401 with `header` as its `WWW-Authenticate`, or `undefined` if there
   * is nothing to try but what was `refused`. Throws `registry_denied` and the other codes of the
   * token service's failures, which name the service.
   */
  async reauthorization(
    header: string | undefined,
    refused: string | undefined,
    target: Target,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const challenge = selectChallenge(header);
    if (challenge === undefined) return undefined;
    this.#challenges.set(target.registry, challenge);
    this.#tokens.forget(repositoryOf(target), refused?.replace(/^Bearer /, '') ?? '');
    const authorization = await this.#answer(challenge, target, signal);
    return authorization === refused ? undefined : authorization;
  }

  async #answer(
    challenge: Challenge,
    target: Target,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const name = repositoryOf(target);
    if (challenge.scheme === 'bearer') {
      const token = this.#tokens.get(name, () => this.#fetchToken(challenge, target));
      return `Bearer ${(await untilAborted(token, signal, `token for ${name}`)).value}`;
    }
    const asked = this.#options.credentials(target.registry);
    const credential = await untilAborted(asked, signal, `credential for ${name}`);
    return credential === undefined ? undefined : basicAuthorization(credential);
  }

  /** Waits for no caller's signal: others share the token. The transport bounds its time. */
  async #fetchToken(challenge: BearerChallenge, target: Target): Promise<Token> {
    const { transport, limits, credentials, nowMs } = this.#options;
    const name = repositoryOf(target);
    const url = tokenUrl(challenge, target, `token service for ${name}`);
    const what = `token service ${shownUrl(url)} for ${name}`;
    const credential = await credentials(target.registry);
    const authorization =
      credential === undefined ? {} : { authorization: basicAuthorization(credential) };
    const headers = { accept: 'application/json', ...authorization };
    const { registry } = target;
    const request = { method: 'GET', url, headers, operation: 'token', registry, what } as const;
    const { response } = await exchange(transport, request, limits, new AbortController().signal);
    await expectSuccess(response, what, limits.errorBytes, 'registry_failed');
    const document = { what, code: 'registry_failed', maxBytes: limits.tokenBytes } as const;
    const body = await response.read(limits.tokenBytes);
    return parseToken(parseStrictJson(body, document), nowMs(), what);
  }
}
