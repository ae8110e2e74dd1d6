// What to write in `Authorization`: challenges remembered per registry, tokens and what was taken per repository.
import { repositoryOf } from '../../oci/reference.ts';
import type { Challenge } from './challenge.ts';
import {
  basicAuthorization,
  type Credential,
  type CredentialEvent,
  type CredentialSource,
} from './credentials/credential.ts';
import { isLoopback } from './endpoint.ts';
import { untilAborted } from './failure.ts';
import { TokenCache } from './token-cache.ts';
import { fetchToken, type Target, type TokenRequestOptions } from './token-request.ts';

export interface AuthorizerOptions extends TokenRequestOptions {
  readonly credentials: CredentialSource;
  /** Must not throw. */
  readonly onCredential?: (event: CredentialEvent) => void;
}

/** One way to ask: with a credential, or without. `rank` is its place among those of the repository. */
export interface Candidate {
  readonly rank: number;
  readonly credential: Credential | undefined;
}

/** Owns the tokens; asks for credentials each time, and keeps none. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #challenges = new Map<string, Challenge>();
  readonly #tokens: TokenCache;
  /** The rank of what a registry took last, by repository. */
  readonly #taken = new Map<string, number>();

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    this.#tokens = new TokenCache(options.limits.tokens, options.nowMs);
  }

  challengeOf({ host }: Target): Challenge | undefined {
    return this.#challenges.get(host.root.href);
  }

  /** Of as many hosts as connections are kept to: whoever makes a pod names them. */
  setChallenge({ host }: Target, challenge: Challenge): void {
    this.#challenges.delete(host.root.href);
    this.#challenges.set(host.root.href, challenge);
    const [oldest] = this.#challenges.keys();
    if (oldest !== undefined && this.#challenges.size > this.#options.limits.origins) {
      this.#challenges.delete(oldest);
    }
  }

  /** In order of trial: what was taken last first, and anonymous access after all credentials. */
  async candidates(target: Target, signal: AbortSignal): Promise<Candidate[]> {
    const name = repositoryOf(target);
    const asked = this.#credentials(target);
    const credentials = await untilAborted(asked, signal, `credential for ${name}`);
    const all = [...credentials, undefined].map((credential, rank) => ({ rank, credential }));
    const taken = this.#taken.get(placeOf(target));
    return [
      ...all.filter(({ rank }) => rank === taken),
      ...all.filter((one) => one.rank !== taken),
    ];
  }

  /**
   * A mirror's own, and then the registry's: containerd sends them to mirrors too. In the clear it
   * gets none but its own: what is for a registry under TLS must not be heard on the way.
   */
  async #credentials({ registry, repository, host }: Target): Promise<readonly Credential[]> {
    const { credentials } = this.#options;
    if (!host.isMirror) return credentials({ registry, repository });
    const own = await credentials({ registry: host.root.host, repository });
    const isClear = host.root.protocol === 'http:' && !isLoopback(host.root.host);
    return isClear ? own : [...own, ...(await credentials({ registry, repository }))];
  }

  /** The header, or undefined where there is none for such a challenge. Throws what `fetchToken` throws. */
  async answer(
    challenge: Challenge,
    { rank, credential }: Candidate,
    target: Target,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (credential?.kind === 'registry_token') return `Bearer ${credential.token}`;
    if (challenge.scheme === 'basic') {
      if (credential?.kind !== 'basic') return undefined;
      return basicAuthorization(credential.username, credential.password);
    }
    // Waits for no caller's signal: others share the token. The transport bounds its time.
    const token = this.#tokens.get(tokenKey(target, rank), () =>
      fetchToken(this.#options, challenge, credential, target),
    );
    return `Bearer ${(await untilAborted(token, signal, `token for ${repositoryOf(target)}`)).value}`;
  }

  refused(target: Target, { rank }: Candidate, authorization: string): void {
    this.#tokens.forget(tokenKey(target, rank), authorization.replace(/^Bearer /, ''));
  }

  accepted(target: Target, { rank, credential }: Candidate): void {
    const place = placeOf(target);
    if (this.#taken.get(place) === rank) return;
    this.#taken.delete(place);
    this.#taken.set(place, rank);
    const [oldest] = this.#taken.keys();
    if (oldest !== undefined && this.#taken.size > this.#options.limits.tokens) {
      this.#taken.delete(oldest);
    }
    const { registry, repository } = target;
    this.#options.onCredential?.({ registry, repository, source: credential?.source ?? 'none' });
  }
}

/** A repository at one host. */
function placeOf(target: Target): string {
  return `${target.host.root.href} ${repositoryOf(target)}`;
}

function tokenKey(target: Target, rank: number): string {
  return `${placeOf(target)} ${rank}`;
}
