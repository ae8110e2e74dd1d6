// Which images a name in a configuration of credentials is for: kubelet's rules for `matchImages` and its keyring. Pure.

/** A name of a registry or a repository, taken apart. */
export interface ImagePattern {
  /** Of the host, between its dots. */
  readonly labels: readonly string[];
  /** '' where none is given. */
  readonly port: string;
  /** '' or what begins with a slash. */
  readonly path: string;
}

/** A DNS name has 253 characters, a repository 255; a bound on the matching below. */
const MAX_LENGTH = 1024;
const AUTHORITY = /^[\w~!$&'()*+,;=.:[\]<>"-]+$/;
const HOST_AND_PORT = /^(?<host>[^:]*|\[[^\]]*\]):(?<port>\d*)$/;

/** Takes apart `HOST[:PORT][/PATH]`, without a scheme; undefined for what is no such thing. */
export function parseImagePattern(text: string): ImagePattern | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const named = text.replace(/[?#].*$/s, '');
  const slash = named.indexOf('/');
  const authority = (slash < 0 ? named : named.slice(0, slash)).replace(/^.*@/s, '');
  if (!AUTHORITY.test(authority)) return undefined;
  const { host, port } = HOST_AND_PORT.exec(authority)?.groups ?? {};
  // More than one colon and no brackets, or a port that is none.
  if (host === undefined && /:/.test(authority.replace(/^\[[^\]]*\]$/, ''))) return undefined;
  const path = slash < 0 ? '' : named.slice(slash);
  return { labels: (host ?? authority).split('.'), port: port ?? '', path };
}

/**
 * Tells whether a pattern is for an image, which is a repository's whole name. A `*` in a label of the
 * host stands for any characters of that label, and `[a-c]` for one of them; the port is the same, and
 * the path is what the image's begins with, letter by letter: `example.com/team` is for
 * `example.com/teams`, too.
 */
export function matchesImage(pattern: ImagePattern, image: ImagePattern): boolean {
  if (pattern.port !== image.port) return false;
  if (pattern.labels.length !== image.labels.length) return false;
  if (!image.path.startsWith(pattern.path)) return false;
  return pattern.labels.every((label, index) => matchesLabel(label, image.labels[index] ?? ''));
}

/** Steps of the pattern: a star, a set of characters or one character. */
function matchesLabel(pattern: string, label: string): boolean {
  const steps: readonly string[] = pattern.match(/\*|\[[^\]]+\]|[^]/g) ?? [];
  // A set without an end.
  if (steps.includes('[')) return false;
  // Where in the label the steps so far may have ended: no backtracking, so no explosion.
  let ends = new Set([0]);
  for (const step of steps) {
    const next = new Set<number>();
    for (const end of ends) {
      if (step === '*') for (let at = end; at <= label.length; at += 1) next.add(at);
      else if (end < label.length && matchesOne(step, label.charAt(end))) next.add(end + 1);
    }
    ends = next;
  }
  return ends.has(label.length);
}

function matchesOne(step: string, character: string): boolean {
  if (!step.startsWith('[')) return step === character;
  const ranges = step.slice(1, -1).matchAll(/(?<low>[^])(?:-(?<high>[^]))?/g);
  return [...ranges].some(({ groups = {} }) => {
    const { low = '', high } = groups;
    return low <= character && character <= (high ?? low);
  });
}
