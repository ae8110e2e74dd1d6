// A token of a registry's token service, and until when it is good.
import { AgentError } from '../../errors.ts';
import { isJsonObject } from '../../oci/json-object.ts';
import { show } from '../../oci/show.ts';
import { shownUrl } from './shown-url.ts';

export interface Token {
  readonly value: string;
  readonly expiresAtMs: number;
}

/** What the token protocol says a token is good for when its service does not. */
const DEFAULT_LIFETIME_S = 60;
/** A token is renewed this long before it expires, so that it is still good when it arrives. */
const RENEWAL_MARGIN_MS = 10_000;
/** Visible ASCII: whatever else would end the header it is put in, or begin another one. */
const HEADER_SAFE = /^[\x21-\x7e]+$/;

/**
 * Narrows the answer of a token service, received at `nowMs`. Throws `registry_failed` naming
 * `what`, without quoting a token. Whether the registry accepts it is not checked.
 */
export function parseToken(value: unknown, nowMs: number, what: string): Token {
  if (!isJsonObject(value)) throw invalid(what, `expected an object, found ${show(value)}`);
  // OAuth 2.0 services write `access_token`; where both are given they are the same.
  const token = value['token'] ?? value['access_token'];
  if (typeof token !== 'string' || !HEADER_SAFE.test(token)) {
    throw invalid(what, 'expected a token of visible ASCII characters');
  }
  const { expires_in: stated } = value;
  const lifetimeS = typeof stated === 'number' ? stated : DEFAULT_LIFETIME_S;
  return { value: token, expiresAtMs: nowMs + lifetimeS * 1000 };
}

/** Tells whether a token will still be good when the registry sees it. */
export function isFresh(token: Token, nowMs: number): boolean {
  return token.expiresAtMs - RENEWAL_MARGIN_MS > nowMs;
}

/**
 * Where to ask for a token to pull from one repository; the scope is ours, whatever the registry
 * suggests. The realm is attacker-controlled where the registry is: it must be HTTPS, so that no
 * credential travels in the clear, unless the registry itself is spoken to in the clear.
 * Throws `registry_failed` naming `what`.
 */
export function tokenUrl(
  { realm, service }: { readonly realm: string; readonly service: string | undefined },
  { repository, origin }: { readonly repository: string; readonly origin: URL },
  what: string,
): URL {
  const url = URL.parse(realm);
  if (url === null) throw invalid(what, 'realm: expected a URL, found none');
  const isClear = url.protocol === 'http:' && origin.protocol === 'http:';
  if (url.protocol !== 'https:' && !isClear) {
    throw invalid(what, `realm: expected https, found ${shownUrl(url)}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(what, 'realm: expected no credentials in the URL, found some');
  }
  if (service !== undefined) url.searchParams.set('service', service);
  url.searchParams.set('scope', `repository:${repository}:pull`);
  return url;
}

function invalid(what: string, fault: string): AgentError {
  return new AgentError('registry_failed', `${what}: ${fault}`);
}
