// The next page of a list: RFC 8288 "Link", as OCI distribution uses it for referrers.

/** Longer than any registry sends; a bound on the scan below. */
const MAX_LINK_CHARACTERS = 8192;

const LINK = /<([^<>]*)>([^<]*)/g;
const RELATION = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))/i;

/**
 * The URL of the next page, or `undefined` if there is none. Only path and query of the link are
 * taken, and the origin of `page`: a page must not lead to another host, and registries behind a
 * proxy get their own scheme or host wrong.
 */
export function nextPage(page: URL, header: string | undefined): URL | undefined {
  for (const [, target = '', parameters = ''] of (header ?? '')
    .slice(0, MAX_LINK_CHARACTERS)
    .matchAll(LINK)) {
    const linked = isNext(parameters) ? URL.parse(target, page.href) : null;
    if (linked === null) continue;
    const next = new URL(page);
    next.pathname = linked.pathname;
    next.search = linked.search;
    return next;
  }
  return undefined;
}

/** A link may have several relations, separated by spaces. */
function isNext(parameters: string): boolean {
  const relation = RELATION.exec(parameters);
  const names = (relation?.[1] ?? relation?.[2] ?? '').toLowerCase().split(/\s+/);
  return names.includes('next');
}
