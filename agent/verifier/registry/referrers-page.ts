// One index of referrers: a page of the API, or the tag in its place (OCI distribution
// specification, "Referrers Tag Schema").
import { parseStrictJson } from '../../notation/encoding/json.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { OCI_EMPTY, OCI_INDEX } from '../../oci/media-types.ts';
import { expectMediaType, mediaTypeOf } from './content.ts';
import { statusFailure } from './failure.ts';
import type { HttpResponse } from './http.ts';
import { nextPage } from './link.ts';
import type { RepositoryName, Session } from './session.ts';
import { expectSuccess, readRefusal } from './success.ts';

/** What is looked for. */
export interface ReferrersQuery {
  readonly repository: RepositoryName;
  readonly subject: Digest;
  readonly artifactType: string;
  /** The list, as errors name it. */
  readonly what: string;
}

export interface ReferrersPage {
  /** Those of the artifact type. */
  readonly descriptors: readonly Descriptor[];
  /** Those of which the registry does not say what they are. */
  readonly untyped: readonly Descriptor[];
  /** Size of the index. */
  readonly bytes: number;
  readonly next: URL | undefined;
}

/** A page, or `undefined` from a registry without the API: no such path, or a web page there. */
export async function fetchReferrersPage(
  session: Session,
  query: ReferrersQuery,
  url: URL,
  signal: AbortSignal,
): Promise<ReferrersPage | undefined> {
  const { what } = query;
  const response = await requestIndex(session, query, url, signal);
  if (response.status === 404) {
    const refusal = await readRefusal(response, session.limits.errorBytes);
    // A repository that does not exist is no reason to look for a tag in it.
    if (refusal.errorCode === 'NAME_UNKNOWN') throw statusFailure(refusal, what);
    return undefined;
  }
  await expectSuccess(response, what, session.limits.errorBytes);
  if (mediaTypeOf(response) === OCI_INDEX) return readPage(session, query, url, response);
  await response.discard();
  return undefined;
}

/** The index that whoever pushes referrers keeps under a tag, or `undefined` without such a tag. */
export async function fetchReferrersTag(
  session: Session,
  query: ReferrersQuery,
  signal: AbortSignal,
): Promise<ReferrersPage | undefined> {
  const tag = referrersTag(query.subject);
  const what = `${query.what}, tag ${tag}`;
  const url = session.urlOf(query.repository, `manifests/${tag}`);
  const response = await requestIndex(session, { ...query, what }, url, signal);
  if (response.status === 404) {
    await response.discard();
    return undefined;
  }
  await expectSuccess(response, what, session.limits.errorBytes);
  // GitLab's takes `sha256-HEX` for the digest and gives the image itself.
  if (response.header('docker-content-digest') === query.subject) {
    await response.discard();
    return undefined;
  }
  await expectMediaType(response, OCI_INDEX, what);
  return readPage(session, { ...query, what }, url, response);
}

/** The specification cuts the value of a digest to 64 characters, which shortens SHA-512. */
function referrersTag(subject: Digest): string {
  const [algorithm = '', hex = ''] = subject.split(':');
  return `${algorithm}-${hex.slice(0, 64)}`;
}

function requestIndex(
  session: Session,
  { repository, what }: ReferrersQuery,
  url: URL,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const accept = [OCI_INDEX];
  const request = { method: 'GET', operation: 'referrers', what, url, accept } as const;
  return session.request(repository, request, signal);
}

async function readPage(
  session: Session,
  { artifactType, what }: ReferrersQuery,
  url: URL,
  response: HttpResponse,
): Promise<ReferrersPage> {
  const maxBytes = session.limits.manifestBytes;
  const bytes = await response.read(maxBytes);
  const value = parseStrictJson(bytes, { what, code: 'manifest_invalid', maxBytes });
  const index = parseManifest(value, OCI_INDEX, what);
  const all = index.kind === 'index' ? index.manifests : [];
  const next = nextPage(url, response.header('link'));
  // Some registries filter by a type that they then leave out.
  const isUntypedOurs = hasFiltered(response);
  return {
    descriptors: all.filter(
      (one) => one.artifactType === artifactType || (isUntypedOurs && isUntyped(one)),
    ),
    untyped: isUntypedOurs ? [] : all.filter(isUntyped),
    ...{ bytes: bytes.length, next },
  };
}

/** Azure's lists some referrers without a type, Google's with that of the configuration in its place. */
function isUntyped({ artifactType }: Descriptor): boolean {
  return artifactType === undefined || artifactType === OCI_EMPTY;
}

function hasFiltered(response: HttpResponse): boolean {
  const applied = (response.header('oci-filters-applied') ?? '').split(',');
  return applied.some((filter) => filter.trim() === 'artifactType');
}
