// Which manifests refer to an image: OCI distribution specification, "Listing Referrers".
import { AgentError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { pinned } from '../../oci/reference.ts';
import {
  fetchReferrersPage,
  fetchReferrersTag,
  type ReferrersPage,
  type ReferrersQuery,
} from './referrers-page.ts';
import { findTyped } from './referrers-untyped.ts';
import type { RepositoryName, Session } from './session.ts';

/** Referrers of one artifact type, each digest once, in the registry's order. */
export interface Referrers {
  readonly descriptors: readonly Descriptor[];
  /** Whether there are, or may be, more than the limits let in. */
  readonly truncated: boolean;
  /**
   * Where they come from: the referrers API, or the tag that stands in for it. `tag_unasked` if the
   * API was not asked, because it was not there a short while ago: it may know of others now.
   * `mirror`, however it lists them, if the registry itself was not asked: it may know of others.
   * `bundle` if they were carried in, and no registry was asked.
   */
  readonly source: 'api' | 'tag' | 'tag_unasked' | 'mirror' | 'bundle';
}

/**
 * Asks the referrers API and, where a registry has none, reads the tag; where it is known to have
 * none the tag comes first, and what it does not list is asked for all the same. None found is an
 * empty list.
 */
export async function listReferrers(
  session: Session,
  repository: RepositoryName,
  subject: Digest,
  artifactType: string,
  signal: AbortSignal,
): Promise<Referrers> {
  const query = queryOf(repository, subject, artifactType);
  const tag = lazily(() => readTag(session, query, signal));
  // Both at once is what a process that judges one image pays for not knowing which there is. Where
  // there is the API nobody waits for the tag.
  if (session.asksTagAlongside) tag().catch(() => undefined);
  const isKnown = !session.asksTagAlongside && session.referrers.lacksApi(repository);
  const known = isKnown ? await readTagFirst(tag, signal) : undefined;
  if (known !== undefined && known.descriptors.length > 0) return known;
  const asked = await askApiOrTag(session, query, tag, signal);
  if (asked !== undefined) return asked;
  return known === undefined ? tag() : { ...known, source: 'tag' };
}

/**
 * As `askApi`. Old Harbors deny the API because they do not know it: what the tag lists is taken
 * then, but that it lists nothing says nothing.
 */
async function askApiOrTag(
  session: Session,
  query: ReferrersQuery,
  tag: () => Promise<Referrers>,
  signal: AbortSignal,
): Promise<Referrers | undefined> {
  try {
    return await askApi(session, query, signal);
  } catch (error) {
    const isDenied = error instanceof AgentError && error.code === 'registry_denied';
    if (!isDenied || signal.aborted) throw error;
    const listed = await tag().catch(() => undefined);
    if (listed === undefined || listed.descriptors.length === 0) throw error;
    return listed;
  }
}

/** The same promise each time, made when it is first asked for. */
function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

/** What the referrers API lists, or `undefined` from a registry without it. */
export async function listReferrersByApi(
  session: Session,
  repository: RepositoryName,
  subject: Digest,
  artifactType: string,
  signal: AbortSignal,
): Promise<Referrers | undefined> {
  return askApi(session, queryOf(repository, subject, artifactType), signal);
}

function queryOf(
  repository: RepositoryName,
  subject: Digest,
  artifactType: string,
): ReferrersQuery {
  const what = `referrers of ${pinned(repository, subject)}`;
  return { repository, subject, artifactType, what };
}

/** `undefined` if the tag cannot be read: then it is as if nothing were known of the registry. */
async function readTagFirst(
  tag: () => Promise<Referrers>,
  signal: AbortSignal,
): Promise<Referrers | undefined> {
  try {
    return { ...(await tag()), source: 'tag_unasked' };
  } catch (error) {
    if (error instanceof AgentError && !signal.aborted) return undefined;
    throw error;
  }
}

async function readTag(
  session: Session,
  query: ReferrersQuery,
  signal: AbortSignal,
): Promise<Referrers> {
  const tag = await fetchReferrersTag(session, query, signal);
  const found = distinct(tag?.descriptors ?? []);
  return bounded(found, undefined, session.limits.referrers, 'tag');
}

async function askApi(
  session: Session,
  query: ReferrersQuery,
  signal: AbortSignal,
): Promise<Referrers | undefined> {
  const { repository, subject, artifactType } = query;
  const path = `referrers/${subject}?artifactType=${encodeURIComponent(artifactType)}`;
  const url = session.urlOf(repository, path);
  const first = await fetchReferrersPage(session, query, url, signal);
  session.referrers.note(repository, first !== undefined);
  return first === undefined ? undefined : collect(session, query, first, signal);
}

async function collect(
  session: Session,
  query: ReferrersQuery,
  first: ReferrersPage,
  signal: AbortSignal,
): Promise<Referrers> {
  const { limits } = session;
  let page = first;
  let found = distinct(first.descriptors);
  let untyped = first.untyped;
  let bytes = first.bytes;
  for (let pages = 1; page.next !== undefined; pages++) {
    const enough =
      found.length >= limits.referrers ||
      pages >= limits.referrersPages ||
      bytes >= limits.referrersBytes;
    if (enough) break;
    page = await fetchNext(session, query, page.next, signal);
    found = distinct([...found, ...page.descriptors]);
    untyped = distinct([...untyped, ...page.untyped]);
    bytes += page.bytes;
  }
  const others = untyped.length === 0 ? [] : await findTyped(session, query, untyped, signal);
  return bounded(distinct([...found, ...others]), page.next, limits.referrers, 'api');
}

async function fetchNext(
  session: Session,
  query: ReferrersQuery,
  url: URL,
  signal: AbortSignal,
): Promise<ReferrersPage> {
  const page = await fetchReferrersPage(session, query, url, signal);
  if (page !== undefined) return page;
  const fault = 'expected another page of the image index, found none';
  throw new AgentError('registry_failed', `${query.what}: ${fault}`);
}

/** Each digest once: repeating one must not use up the limit. */
function distinct(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(descriptors.map((found) => [found.digest, found])).values()];
}

function bounded(
  found: readonly Descriptor[],
  next: URL | undefined,
  limit: number,
  source: Referrers['source'],
): Referrers {
  const truncated = next !== undefined || found.length > limit;
  return { descriptors: found.slice(0, limit), truncated, source };
}
