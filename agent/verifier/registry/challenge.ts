// What a 401 asks for: RFC 9110 "WWW-Authenticate" and the distribution project's token protocol.

/** The ways to authenticate that are spoken here. */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service: string | undefined };

/** Longer than any registry sends; a bound on the scan below. */
const MAX_CHALLENGE_CHARACTERS = 4096;

const TOKEN = /[\w!#$%&'*+.^`|~-]+/y;
const PARAMETER = /[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/y;
const SEPARATORS = /[\s,]*/y;

/**
 * Selects what to answer from the value of `WWW-Authenticate`, which may hold several challenges:
 * Bearer before Basic, because a token is good for one repository only. `undefined` if there is
 * neither, or if it is malformed. Whether the realm may be trusted is not checked.
 */
export function selectChallenge(header: string | undefined): Challenge | undefined {
  const challenges = parseChallenges((header ?? '').slice(0, MAX_CHALLENGE_CHARACTERS));
  const realm = challenges.get('bearer')?.get('realm');
  if (realm !== undefined) {
    return { scheme: 'bearer', realm, service: challenges.get('bearer')?.get('service') };
  }
  return challenges.has('basic') ? { scheme: 'basic' } : undefined;
}

/** Parameters by scheme, both in lower case; of a repeated scheme the last. Stops at what it cannot read. */
function parseChallenges(header: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const challenges = new Map<string, Map<string, string>>();
  let parameters: Map<string, string> | undefined;
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    const token = take(TOKEN)?.[0].toLowerCase();
    if (token === undefined) return challenges;
    const parameter = take(PARAMETER);
    if (parameter === null) {
      parameters = new Map();
      challenges.set(token, parameters);
    } else {
      parameters?.set(token, parameter[1]?.replace(/\\(.)/g, '$1') ?? parameter[2] ?? '');
    }
  }
}
