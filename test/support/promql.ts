// What a PromQL query asks for, as far as tests need to know. No parser: real ones try every query elsewhere.

/** Metrics of one word, and no words of the language. */
const ONE_WORD = ['up', 'ALERTS'];
const NAME = new RegExp(`\\b(?:[a-z]+(?:_[a-z0-9]+)+|${ONE_WORD.join('|')})\\b(?!\\s*\\()`, 'g');
const SELECTOR = /([\w:]+)\{([^}]*)\}/g;

/** A metric as it is asked for. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

/** What a label has to be. */
export interface Matcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** Every selector of a query: those with matchers first. */
export function selectorsOf(query: string): readonly Selector[] {
  const bare = query.replace(/\b(?:by|without|on|ignoring)\s*\([^)]*\)/g, '');
  const matched = [...bare.matchAll(SELECTOR)].map(([, metric = '', matchers = '']) => ({
    ...{ metric, matchers: matchersOf(matchers) },
  }));
  const names = bare
    .replace(SELECTOR, '')
    .replace(/"[^"]*"/g, '')
    .matchAll(NAME);
  return [...matched, ...[...names].map(([metric]) => ({ metric, matchers: [] }))];
}

/** The labels that a query groups by, or joins on. */
export function groupLabelsOf(query: string): readonly string[] {
  const lists = [...query.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)];
  return [...new Set(lists.flatMap(([, list = '']) => list.split(/,\s*/)))].filter(Boolean);
}

function matchersOf(text: string): readonly Matcher[] {
  return [...text.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].map(
    ([, label = '', operator = '', value = '']) => ({
      ...{ label, value },
      operator: operator as Matcher['operator'],
    }),
  );
}
