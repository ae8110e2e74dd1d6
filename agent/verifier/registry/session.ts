// One request to a repository: at one of its registry's hosts, with the authorization that it takes.
import type { Reference } from '../../oci/reference.ts';
import type { Authorizer } from './authorizer.ts';
import { exchange } from './exchange.ts';
import type { HttpRequest, HttpResponse, Transport } from './http.ts';
import type { RegistryHost } from './hosts/registry-host.ts';
import type { RegistryLimits } from './limits.ts';
import type { ReferrersMemory } from './referrers-memory.ts';
import type { Target } from './token-request.ts';
import { Trial } from './trial.ts';

/** Registry and repository as `parseReference` gave them, which keeps them safe in a path. */
export type RepositoryName = Pick<Reference, 'registry' | 'repository'>;

/** A request at a host of a registry. */
export interface RepositoryRequest extends Omit<
  HttpRequest,
  'headers' | 'registry' | 'connection'
> {
  readonly accept: readonly string[];
}

export interface SessionOptions {
  readonly transport: Transport;
  readonly authorizer: Authorizer;
  readonly limits: RegistryLimits;
  /** Of the host. */
  readonly referrers: ReferrersMemory;
  /** Default: only once the referrers API is known to be missing. */
  readonly asksTagAlongside?: boolean;
}

/** What every operation on one host of a registry is made of. */
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

export function createSession(options: SessionOptions, host: RegistryHost): Session {
  const { limits, referrers, asksTagAlongside = false } = options;
  return {
    ...{ limits, referrers, asksTagAlongside },
    urlOf: ({ repository }, path) => new URL(`${repository}/${path}`, host.root),
    request: (repository, { accept, ...request }, signal) => {
      const { registry } = repository;
      const { connection } = host;
      // Our own last: no file decides what is accepted.
      const headers = { ...host.headers, accept: accept.join(', ') };
      const url = withNamespace(request.url, host, registry);
      return sendAuthorized(
        options,
        { ...repository, host },
        { ...request, url, registry, headers, connection },
        signal,
      );
    },
  };
}

/** How containerd tells a mirror whose content it wants; the next page of a list may leave it out. */
function withNamespace(url: URL, { isMirror }: RegistryHost, registry: string): URL {
  if (!isMirror || url.searchParams.has('ns')) return url;
  const told = new URL(url);
  told.searchParams.set('ns', registry);
  return told;
}

async function sendAuthorized(
  { transport, authorizer, limits }: SessionOptions,
  target: Target,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const send = (authorization: string | undefined) =>
    exchange(transport, authorized(request, authorization), limits, signal);
  const trial = new Trial(authorizer, target);
  for (let next = await trial.first(signal); ;) {
    const { response, redirectedAway } = await send(next);
    const { status } = response;
    if (redirectedAway || (status !== 401 && status !== 403)) {
      if (status === 404 && !redirectedAway) await refuseHidden(trial, response);
      // Whoever is led elsewhere was let in, and so was who is told that something is not there.
      if (status < 400 || status === 404 || redirectedAway) trial.accepted();
      return response;
    }
    next = await trial.next({ status, challenge: response.header('www-authenticate') }, signal);
    if (next === undefined) return response;
    await response.discard();
  }
}

async function refuseHidden(trial: Trial, response: HttpResponse): Promise<void> {
  try {
    trial.assertNotHidden();
  } catch (error) {
    await response.discard();
    throw error;
  }
}

function authorized(request: HttpRequest, authorization: string | undefined): HttpRequest {
  if (authorization === undefined) return request;
  return { ...request, headers: { ...request.headers, authorization } };
}
