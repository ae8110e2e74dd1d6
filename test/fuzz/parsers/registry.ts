// What a registry sends: pages of referrers, headers, tokens and errors.
import { parseStrictJson } from '../../../agent/notation/encoding/json.ts';
import { OCI_INDEX } from '../../../agent/oci/media-types.ts';
import { selectChallenge } from '../../../agent/verifier/registry/challenge.ts';
import { endpointOf } from '../../../agent/verifier/registry/endpoint.ts';
import { parseHostsFile } from '../../../agent/verifier/registry/hosts/hosts-file.ts';
import type { HttpResponse } from '../../../agent/verifier/registry/http.ts';
import { DEFAULT_LIMITS } from '../../../agent/verifier/registry/limits.ts';
import { nextPage } from '../../../agent/verifier/registry/link.ts';
import { redirectTarget } from '../../../agent/verifier/registry/redirect.ts';
import { ReferrersMemory } from '../../../agent/verifier/registry/referrers-memory.ts';
import { fetchReferrersPage } from '../../../agent/verifier/registry/referrers-page.ts';
import type { Session } from '../../../agent/verifier/registry/session.ts';
import { readRefusal } from '../../../agent/verifier/registry/success.ts';
import { parseToken, tokenUrl } from '../../../agent/verifier/registry/token.ts';
import type { Reader } from '../fuzz.ts';
import { json, ofText, texts } from '../text.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}` as const;
const ARTIFACT_TYPE = 'application/vnd.cncf.notary.signature';
const PAGE = new URL('https://registry.example:5000/v2/a/referrers/x?artifactType=t');
const REFERRER = { mediaType: 'a/b', digest: DIGEST, size: 700, artifactType: ARTIFACT_TYPE };

export const REGISTRY_READERS: readonly Reader[] = [
  {
    name: 'page of referrers',
    seeds: () =>
      json(
        { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [REFERRER, { ...REFERRER, size: 1 }] },
        { schemaVersion: 2, manifests: [] },
      ),
    read: (bytes) => {
      const query = {
        repository: { registry: 'registry.example', repository: 'a' },
        subject: DIGEST,
        artifactType: ARTIFACT_TYPE,
        what: 'referrers',
      };
      const response = responseOf(200, bytes, { 'content-type': OCI_INDEX });
      return fetchReferrersPage(sessionOf(response), query, PAGE, new AbortController().signal);
    },
  },
  {
    name: 'Link',
    seeds: () => texts('</v2/a?n=2>; rel="next"', '<?n=0>; rel=prev, <//b/?n=2>; rel="last next"'),
    read: ofText((text) => nextPage(PAGE, text)),
  },
  {
    name: 'hosts.toml',
    seeds: () =>
      texts(
        'server = "https://a.example"\n[host."https://b.example/v2/c"]\noverride_path = true\nca = ["a", "b"]\nclient = [["c", "d"]]\n[host."https://b.example/v2/c".header]\nx = ["y"]\n',
        'capabilities = ["pull", "resolve"]\nskip_verify = true\ndial_timeout = "1s"\nclient = "c"\n',
      ),
    read: (bytes) => parseHostsFile(bytes, '/certs.d/a.example'),
  },
  {
    name: 'WWW-Authenticate',
    seeds: () =>
      texts(
        'Bearer realm="https://auth.example/token",service="registry",scope="a:b:c"',
        'Basic realm="x\\"y", Bearer realm=https://a/',
      ),
    read: ofText((text) => {
      const challenge = selectChallenge(text);
      if (challenge?.scheme !== 'bearer') return challenge;
      return tokenUrl(challenge, { repository: 'a', origin: PAGE }, 'challenge');
    }),
  },
  {
    name: 'token',
    seeds: () => json({ token: 'abc', expires_in: 300 }, { access_token: 'a.b', issued_at: 'x' }),
    read: (bytes) => {
      const options = { what: 'token', code: 'registry_failed', maxBytes: 1 << 16 } as const;
      return parseToken(parseStrictJson(bytes, options), 0, 'token');
    },
  },
  {
    name: 'error of a registry',
    seeds: () => json({ errors: [{ code: 'NAME_UNKNOWN', message: 'x', detail: {} }] }),
    read: (bytes) => readRefusal(responseOf(404, bytes), DEFAULT_LIMITS.errorBytes),
  },
  {
    name: 'redirect of a registry',
    seeds: () => texts('https://storage.example/a?X-Sig=1#b', '/v2/other', '//b.example/'),
    read: ofText((text) => redirectTarget(PAGE, text, 'redirect')),
  },
  {
    name: 'registry host',
    seeds: () => texts('registry.example:5000', '127.0.0.1', 'docker.io'),
    read: ofText((text) => endpointOf(text)),
  },
];

function responseOf(
  status: number,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return {
    status,
    header: (name) => headers[name],
    read: () => Promise.resolve(body),
    discard: () => Promise.resolve(),
  };
}

function sessionOf(response: HttpResponse): Session {
  return {
    limits: DEFAULT_LIMITS,
    asksTagAlongside: false,
    referrers: new ReferrersMemory(() => 0),
    urlOf: () => PAGE,
    request: () => Promise.resolve(response),
  };
}
