// What the test registry answers: request in, answer out, by the OCI distribution specification.
import type { IncomingHttpHeaders } from 'node:http';
import {
  describeBytes,
  IMAGE_INDEX,
  imageIndex,
  type RegistryContent,
  type Stored,
} from './content.ts';

/** What the registry accepts when it asks for credentials. */
export const TEST_CREDENTIAL = {
  kind: 'basic',
  username: 'reader',
  password: 'correct horse',
  source: 'docker_config',
} as const;

export interface TestRegistryOptions {
  /**
   * `true` (default): referrers API; `false`: 404 as docker-registry 2.8 answers, tag schema only;
   * `'html200'`: a web page in place of the API, tag schema only.
   */
  readonly referrers?: boolean | 'html200';
  /** Default `'none'`. */
  readonly auth?: 'none' | 'basic' | 'bearer';
  /** With bearer: whether the token service also gives tokens without credentials. Default false. */
  readonly anonymous?: boolean;
  /** `expires_in` of tokens, in seconds. Default 300. */
  readonly tokenExpiresIn?: number;
  /** Serves HTTPS with this PEM key and certificate. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Referrers per page; the rest by `Link`. Default: all in one page. */
  readonly pageSize?: number;
  /** Whether `?artifactType=` is honoured, and said to be. Default true. */
  readonly filters?: boolean;
}

/** One request as the registry saw it. */
export interface RecordedRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Answers by content and options; remembers the tokens it gave. */
export class RegistryAnswers {
  readonly #content: RegistryContent;
  readonly #options: TestRegistryOptions;
  readonly #tokens = new Set<string>();

  constructor(content: RegistryContent, options: TestRegistryOptions) {
    this.#content = content;
    this.#options = options;
  }

  answer(request: RecordedRequest, origin: string): Answer {
    const { pathname, searchParams } = new URL(request.path, origin);
    const [, name = '', kind = '', reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs|referrers)\/([^/]+)$/.exec(pathname) ?? [];
    if (pathname === '/token') return this.#token(request.headers.authorization);
    if (!this.#isAuthorized(request.headers.authorization)) return this.#challenge(name, origin);
    if (pathname === '/v2/') return respond(200, 'application/json', '{}');
    const repository = this.#content.repositories.get(name);
    if (kind === 'manifests') return stored(repository?.manifests.get(reference), 'MANIFEST');
    if (kind === 'blobs') return stored(repository?.blobs.get(reference), 'BLOB');
    if (kind === 'referrers') return this.#referrers(name, reference, pathname, searchParams);
    return respond(404, 'text/plain', '404 page not found\n');
  }

  #referrers(name: string, subject: string, pathname: string, query: URLSearchParams): Answer {
    const { referrers: mode = true, filters = true, pageSize = Infinity } = this.#options;
    if (mode === 'html200') return respond(200, 'text/html', '<html>welcome</html>');
    if (!mode) return respond(404, 'text/plain', '404 page not found\n');
    const repository = this.#content.repositories.get(name);
    if (repository === undefined) return fault(404, 'NAME_UNKNOWN');
    const wanted = filters ? query.get('artifactType') : null;
    const all = (repository.referrers.get(subject) ?? []).filter(
      ({ artifactType }) => wanted === null || artifactType === wanted,
    );
    const start = Number(query.get('start') ?? 0);
    const end = start + pageSize;
    query.set('start', String(end));
    return respond(200, IMAGE_INDEX, JSON.stringify(imageIndex(all.slice(start, end))), {
      ...(wanted === null ? {} : { 'OCI-Filters-Applied': 'artifactType' }),
      ...(end >= all.length ? {} : { Link: `<${pathname}?${query.toString()}>; rel="next"` }),
    });
  }

  #isAuthorized(authorization: string | undefined): boolean {
    const { auth = 'none' } = this.#options;
    if (auth === 'none') return true;
    if (auth === 'basic') return authorization === basic();
    return this.#tokens.has(/^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '');
  }

  #challenge(name: string, origin: string): Answer {
    const challenge =
      this.#options.auth === 'basic'
        ? 'Basic realm="test"'
        : `Bearer realm="${origin}/token",service="test",scope="repository:${name}:pull"`;
    return fault(401, 'UNAUTHORIZED', { 'WWW-Authenticate': challenge });
  }

  #token(authorization: string | undefined): Answer {
    const { anonymous = false, tokenExpiresIn = 300 } = this.#options;
    const allowed = authorization === undefined ? anonymous : authorization === basic();
    if (!allowed) return fault(401, 'UNAUTHORIZED');
    const token = `token-${this.#tokens.size + 1}`;
    this.#tokens.add(token);
    const body = JSON.stringify({ token, expires_in: tokenExpiresIn });
    return respond(200, 'application/json', body);
  }
}

function stored(content: Stored | undefined, kind: string): Answer {
  if (content === undefined) return fault(404, `${kind}_UNKNOWN`);
  const { bytes, mediaType } = content;
  const { digest } = describeBytes(bytes, mediaType);
  return respond(200, mediaType, bytes, { 'Docker-Content-Digest': digest });
}

function fault(status: number, code: string, headers: Readonly<Record<string, string>> = {}) {
  const body = JSON.stringify({ errors: [{ code, message: code }] });
  return respond(status, 'application/json', body, headers);
}

function respond(
  status: number,
  mediaType: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const length = String(Buffer.byteLength(body));
  return {
    status,
    headers: { 'Content-Type': mediaType, 'Content-Length': length, ...headers },
    body,
  };
}

function basic(): string {
  const { username, password } = TEST_CREDENTIAL;
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
