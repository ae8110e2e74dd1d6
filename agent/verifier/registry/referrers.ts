// Which manifests refer to an image: OCI distribution specification, "Listing Referrers" and "Referrers Tag Schema".
import { AgentError } from '../../errors.ts';
import { parseStrictJson } from '../../notation/encoding/json.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { type Index, parseManifest } from '../../oci/manifest.ts';
import { OCI_INDEX } from '../../oci/media-types.ts';
import { pinned } from '../../oci/reference.ts';
import { show } from '../../oci/show.ts';
import { expectMediaType, mediaTypeOf } from './content.ts';
import { statusFailure } from './failure.ts';
import type { HttpResponse } from './http.ts';
import { nextPage } from './link.ts';
import type { RepositoryName, Session } from './session.ts';
import { expectSuccess, readRefusal } from './success.ts';

/** Referrers of one artifact type, each digest once, in the registry's order. */
export interface Referrers {
  readonly descriptors: readonly Descriptor[];
  /** Whether there are, or may be, more than the limits let in. */
  readonly truncated: boolean;
  /** Where they were found: the referrers API, or the tag that stands in for it. */
  readonly source: 'api' | 'tag';
}

/** What is looked for. */
interface Query {
  readonly repository: RepositoryName;
  readonly subject: Digest;
  readonly artifactType: string;
  readonly what: string;
}

interface Page {
  readonly descriptors: readonly Descriptor[];
  readonly bytes: number;
  readonly next: URL | undefined;
}

/** Asks the referrers API and, where a registry has none, reads the tag. None found is an empty list. */
export async function listReferrers(
  session: Session,
  repository: RepositoryName,
  subject: Digest,
  artifactType: string,
  signal: AbortSignal,
): Promise<Referrers> {
  const what = `referrers of ${pinned(repository, subject)}`;
  const query = { repository, subject, artifactType, what };
  const path = `referrers/${subject}?artifactType=${encodeURIComponent(artifactType)}`;
  const first = await fetchPage(session, query, session.urlOf(repository, path), signal);
  if (first === undefined) return readTag(session, query, signal);
  return collect(session, query, first, signal);
}

async function collect(
  session: Session,
  query: Query,
  first: Page,
  signal: AbortSignal,
): Promise<Referrers> {
  const { limits } = session;
  const found = new Map<Digest, Descriptor>();
  let page = first;
  let bytes = 0;
  for (let pages = 1; ; pages++) {
    bytes += page.bytes;
    for (const descriptor of page.descriptors) found.set(descriptor.digest, descriptor);
    const full =
      found.size >= limits.referrers ||
      pages >= limits.referrersPages ||
      bytes >= limits.referrersBytes;
    if (page.next === undefined || full) return bounded(found, page.next, limits.referrers, 'api');
    const next = await fetchPage(session, query, page.next, signal);
    if (next === undefined) {
      const fault = `expected page ${pages + 1} of an image index, found none`;
      throw new AgentError('registry_failed', `${query.what}: ${fault}`);
    }
    page = next;
  }
}

function bounded(
  found: ReadonlyMap<Digest, Descriptor>,
  next: URL | undefined,
  limit: number,
  source: Referrers['source'],
): Referrers {
  const descriptors = [...found.values()].slice(0, limit);
  return { descriptors, truncated: next !== undefined || found.size > limit, source };
}

/** One page, or `undefined` from a registry without the API: no such path, or a web page there. */
async function fetchPage(
  session: Session,
  query: Query,
  url: URL,
  signal: AbortSignal,
): Promise<Page | undefined> {
  const { what, artifactType } = query;
  const response = await getIndex(session, query, url, signal);
  if (response.status === 404) {
    const refusal = await readRefusal(response, session.limits.errorBytes);
    // A repository that does not exist is no reason to look for a tag in it.
    if (refusal.errorCode === 'NAME_UNKNOWN') throw statusFailure(refusal, what);
    return undefined;
  }
  await expectSuccess(response, what, session.limits.errorBytes);
  if (mediaTypeOf(response) !== OCI_INDEX) {
    await response.discard();
    return undefined;
  }
  const { index, bytes } = await readIndex(session, response, what);
  const filtered = hasFiltered(response);
  const descriptors = index.manifests.filter(
    (descriptor) =>
      descriptor.artifactType === artifactType ||
      // Some registries filter by a type that they then leave out.
      (filtered && descriptor.artifactType === undefined),
  );
  return { descriptors, bytes, next: nextPage(url, response.header('link')) };
}

/** The tag stands in for the API: an index that whoever pushes referrers keeps up to date. */
async function readTag(session: Session, query: Query, signal: AbortSignal): Promise<Referrers> {
  const { repository, artifactType } = query;
  const tag = referrersTag(query.subject);
  const what = `${query.what} by tag ${show(tag)}`;
  const url = session.urlOf(repository, `manifests/${tag}`);
  const response = await getIndex(session, { ...query, what }, url, signal);
  if (response.status === 404) {
    await response.discard();
    return { descriptors: [], truncated: false, source: 'tag' };
  }
  await expectSuccess(response, what, session.limits.errorBytes);
  await expectMediaType(response, OCI_INDEX, what);
  const { index } = await readIndex(session, response, what);
  const found = new Map<Digest, Descriptor>();
  for (const descriptor of index.manifests) {
    if (descriptor.artifactType === artifactType) found.set(descriptor.digest, descriptor);
  }
  return bounded(found, undefined, session.limits.referrers, 'tag');
}

/** The specification cuts the value of a digest to 64 characters, which shortens SHA-512. */
function referrersTag(subject: Digest): string {
  const [algorithm = '', hex = ''] = subject.split(':');
  return `${algorithm}-${hex.slice(0, 64)}`;
}

function getIndex(
  session: Session,
  { repository, what }: Query,
  url: URL,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const accept = [OCI_INDEX];
  const request = { method: 'GET', operation: 'referrers', what, url, accept } as const;
  return session.request(repository, request, signal);
}

async function readIndex(
  session: Session,
  response: HttpResponse,
  what: string,
): Promise<{ readonly index: Index; readonly bytes: number }> {
  const maxBytes = session.limits.manifestBytes;
  const bytes = await response.read(maxBytes);
  const value = parseStrictJson(bytes, { what, code: 'manifest_invalid', maxBytes });
  const index = parseManifest(value, OCI_INDEX, what);
  if (index.kind !== 'index') throw new TypeError(index.kind);
  return { index, bytes: bytes.length };
}

function hasFiltered(response: HttpResponse): boolean {
  const applied = (response.header('oci-filters-applied') ?? '').split(',');
  return applied.some((filter) => filter.trim() === 'artifactType');
}
