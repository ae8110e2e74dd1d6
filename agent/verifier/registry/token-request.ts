// Asks a token service for a token: the distribution project's token protocol, both of its forms.
import { parseStrictJson } from '../../notation/encoding/json.ts';
import { repositoryOf } from '../../oci/reference.ts';
import type { Challenge } from './challenge.ts';
import { basicAuthorization, type Credential } from './credentials/credential.ts';
import { exchange } from './exchange.ts';
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

/** A repository, and the origin that serves it. */
export interface Target {
  readonly registry: string;
  readonly repository: string;
  readonly origin: URL;
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
  const url = tokenUrl(challenge, target, `token service for ${name}`);
  const what = `token service ${shownUrl(url)} for ${name}`;
  const request = { ...form(url, credential), operation: 'token', what } as const;
  const { registry } = target;
  const unending = new AbortController().signal;
  const { response } = await exchange(transport, { ...request, registry }, limits, unending);
  await expectSuccess(response, what, limits.errorBytes, 'registry_failed');
  const document = { what, code: 'registry_failed', maxBytes: limits.tokenBytes } as const;
  const body = await response.read(limits.tokenBytes);
  return parseToken(parseStrictJson(body, document), nowMs(), what);
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
