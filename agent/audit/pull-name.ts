// The name under which containerd pulls what kubelet asks for: github.com/distribution/reference, ParseDockerRef.

const DOMAIN = 'docker.io';

/**
 * Adds the registry, `library/` and the tag that a short name leaves out, and drops the tag of one that
 * has a digest too. Whether it is a reference at all is not checked: this only tells which lines name
 * the same pull.
 */
export function normalizedName(requested: string): string {
  const at = requested.indexOf('@');
  const digest = at < 0 ? '' : requested.slice(at);
  const named = at < 0 ? requested : requested.slice(0, at);
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const hasDomain = /[.:]|^localhost$|[A-Z]/.test(first);
  const domain = hasDomain ? officialDomain(first) : DOMAIN;
  const path = hasDomain ? named.slice(slash + 1) : named;
  const full = domain === DOMAIN && !path.includes('/') ? `library/${path}` : path;
  const colon = full.indexOf(':');
  if (digest !== '') return `${domain}/${colon < 0 ? full : full.slice(0, colon)}${digest}`;
  return `${domain}/${full}${colon < 0 ? ':latest' : ''}`;
}

function officialDomain(domain: string): string {
  return domain === 'index.docker.io' ? DOMAIN : domain;
}
