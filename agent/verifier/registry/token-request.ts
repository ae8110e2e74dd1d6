// Asks a token service for a token: the distribution project's token protocol, both of its forms.
import { parseStrictJson } from '../../notation/encoding/json.ts';
import { repositoryOf } from '../../oci/reference.ts';
import type { Challenge } from './challenge.ts';
import { basicAuthorization, type Credential } from './credentials/credential.ts';
import { exchange } from './exchange.ts';
import type { RegistryHost } from './hosts/registry-host.ts';
import type { HttpRequest, Transport } from './http.ts';
import type { RegistryLimits } from './limits.ts';
import { shownUrl } from './shown-url.ts';
import { expectSuccess } from './success.ts';
import { parseToken, type Token, tokenUrl } from './token.ts';

/** What a token service is asked with. */
export interface TokenRequestOptions {
  readonly transport: Transport;
  readonly limits: RegistryLimits;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** A repository, and the host that is asked for it. */
export interface Target {
  readonly registry: string;
  readonly repository: string;
  readonly host: RegistryHost;
}

/** OAuth 2.0 asks for a name of the client; token services do not look at it. */
const CLIENT_ID = 'nodeseal';

/**
 * A token to pull from the repository. Throws `registry_denied` for a credential that is not taken,
 * and the codes of the registry client, which all name the service.
 */
export async function fetchToken(
  { transport, limits, nowMs }: TokenRequestOptions,
  challenge: Extract<Challenge, { scheme: 'bearer' }>,
  credential: Exclude<Credential, { kind: 'registry_token' }> | undefined,
  target: Target,
): Promise<Token> {
  const name = repositoryOf(target);
  const { registry, repository, host } = target;
  const url = tokenUrl(challenge, { repository, origin: host.root }, `token service for ${name}`);
  const what = `token service ${shownUrl(url)} for ${name}`;
  const { headers, ...asked } = form(url, credential);
  const request: HttpRequest = {
    ...asked,
    // As containerd does it: who is trusted with the registry is trusted with its token service.
    headers: { ...withoutAuthorization(host.headers), ...headers },
    operation: 'token',
    ...{ registry, what, connection: host.connection },
  };
  const unending = new AbortController().signal;
  const { response } = await exchange(transport, request, limits, unending);
  await expectSuccess(response, what, limits.errorBytes, 'registry_failed');
  const document = { what, code: 'registry_failed', maxBytes: limits.tokenBytes } as const;
  const body = await response.read(limits.tokenBytes);
  return parseToken(parseStrictJson(body, document), nowMs(), what);
}

/** For the registry's own ears: a token service is given the credential instead. */
function withoutAuthorization(headers: HttpRequest['headers']): HttpRequest['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'));
}

function form(
  url: URL,
  credential: Exclude<Credential, { kind: 'registry_token' }> | undefined,
): Pick<HttpRequest, 'method' | 'url' | 'headers' | 'body'> {
  const headers = { accept: 'application/json' };
  if (credential === undefined) return { method: 'GET', url, headers };
  if (credential.kind === 'basic') {
    const authorization = basicAuthorization(credential.username, credential.password);
    return { method: 'GET', url, headers: { ...headers, authorization } };
  }
  // "Token Authentication Implementation", OAuth 2: what the URL says of the request is its body.
  const body = new URLSearchParams(url.searchParams);
  body.set('grant_type', 'refresh_token');
  body.set('client_id', CLIENT_ID);
  body.set('refresh_token', credential.token);
  const endpoint = new URL(url);
  endpoint.search = '';
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url: endpoint, headers: { ...headers, ...type }, body: body.toString() };
}
