// What a PromQL query asks for, as far as tests need to know: the names of its metrics.

const WORDS = new Set(
  'and or unless by without on ignoring group_left group_right bool offset'.split(' '),
);

/** The metrics that a query names; no parser, but enough for queries without metrics of one word in odd places. */
export function metricNames(query: string): readonly string[] {
  const bare = query
    .replace(/"[^"]*"/g, '""')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '')
    .replace(/\[[^\]]*\]/g, '');
  const names = [...bare.matchAll(/\b([a-z_:][a-z0-9_:]*)\b(?!\s*\()/gi)].map(
    ([, name = '']) => name,
  );
  return [...new Set(names)].filter((name) => !WORDS.has(name) && !/^\d/.test(name));
}
