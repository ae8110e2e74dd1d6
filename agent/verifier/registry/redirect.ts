// Where a redirect may lead: RFC 9110 "Redirection 3xx", with what a registry must not do taken out.
import { AgentError } from '../../errors.ts';
import { shownUrl } from './shown-url.ts';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Tells whether a status sends the client elsewhere. */
export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

/**
 * The URL that a redirect from `from` leads to, or `registry_redirect_refused`: no location, not
 * HTTP, credentials in the URL, or from HTTPS down to HTTP, where anyone on the way could answer.
 * Private addresses are allowed: storage inside a cluster has one. What is fetched is only ever
 * compared with a digest or parsed, never shown, so a redirect cannot be used to read them.
 */
export function redirectTarget(from: URL, location: string | undefined, what: string): URL {
  const target = location === undefined ? null : URL.parse(location, from.href);
  if (target === null) throw refused(what, from, 'expected a URL as its location, found none');
  target.hash = '';
  const to = shownUrl(target);
  if (target.protocol !== 'https:' && target.protocol !== 'http:') {
    throw refused(what, from, `expected http or https, found ${to}`);
  }
  if (from.protocol === 'https:' && target.protocol === 'http:') {
    throw refused(what, from, `expected https to stay https, found ${to}`);
  }
  if (target.username !== '' || target.password !== '') {
    throw refused(what, from, `expected no credentials in the URL, found some for ${to}`);
  }
  return target;
}

function refused(what: string, from: URL, fault: string): AgentError {
  return new AgentError(
    'registry_redirect_refused',
    `${what}: redirect from ${shownUrl(from)}: ${fault}`,
  );
}
