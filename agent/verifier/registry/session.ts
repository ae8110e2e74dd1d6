// One request to a repository: at its registry's origin, with the authorization that it takes.
import type { Reference } from '../../oci/reference.ts';
import type { Authorizer } from './authorizer.ts';
import { endpointOf, type PlainHttp } from './endpoint.ts';
import { exchange } from './exchange.ts';
import type { HttpRequest, HttpResponse, Transport } from './http.ts';
import type { RegistryLimits } from './limits.ts';
import { ReferrersMemory } from './referrers-memory.ts';
import { Trial } from './trial.ts';

/** Registry and repository as `parseReference` gave them, which keeps them safe in a path. */
export type RepositoryName = Pick<Reference, 'registry' | 'repository'>;

/** A request at the origin of a registry. */
export interface RepositoryRequest extends Omit<HttpRequest, 'headers' | 'registry'> {
  readonly accept: readonly string[];
}

export interface SessionOptions {
  readonly transport: Transport;
  readonly authorizer: Authorizer;
  readonly limits: RegistryLimits;
  readonly plainHttp?: PlainHttp;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** Default: only once the referrers API is known to be missing. */
  readonly asksTagAlongside?: boolean;
}

/** What every operation on a registry is made of. */
export interface Session {
  readonly limits: RegistryLimits;
  readonly referrers: ReferrersMemory;
  /** Whether the tag that stands in for the referrers API is asked for together with it. */
  readonly asksTagAlongside: boolean;
  /** The URL of something in a repository, by its path (and query) after the repository's name. */
  urlOf(repository: RepositoryName, path: string): URL;
  /** Any status but a redirect is a response; a 401 only after what could be tried was tried. */
  request(
    repository: RepositoryName,
    request: RepositoryRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse>;
}

export function createSession(options: SessionOptions): Session {
  const urlOf = ({ registry, repository }: RepositoryName, path: string) =>
    new URL(`v2/${repository}/${path}`, endpointOf(registry, options.plainHttp));
  return {
    limits: options.limits,
    referrers: new ReferrersMemory(options.nowMs),
    asksTagAlongside: options.asksTagAlongside ?? false,
    urlOf,
    request: (repository, { accept, ...request }, signal) => {
      const headers = { accept: accept.join(', ') };
      const { registry } = repository;
      return sendAuthorized(options, repository, { ...request, registry, headers }, signal);
    },
  };
}

async function sendAuthorized(
  { transport, authorizer, limits }: SessionOptions,
  repository: RepositoryName,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const target = { ...repository, origin: request.url };
  const send = (authorization: string | undefined) =>
    exchange(transport, authorized(request, authorization), limits, signal);
  const trial = new Trial(authorizer, target);
  for (let next = await trial.first(signal); ;) {
    const { response, redirectedAway } = await send(next);
    const { status } = response;
    if (redirectedAway || (status !== 401 && status !== 403)) {
      // Whoever is led elsewhere was let in, and so was who is told that something is not there.
      if (status < 400 || status === 404 || redirectedAway) trial.accepted();
      return response;
    }
    next = await trial.next({ status, challenge: response.header('www-authenticate') }, signal);
    if (next === undefined) return response;
    await response.discard();
  }
}

function authorized(request: HttpRequest, authorization: string | undefined): HttpRequest {
  if (authorization === undefined) return request;
  return { ...request, headers: { ...request.headers, authorization } };
}
