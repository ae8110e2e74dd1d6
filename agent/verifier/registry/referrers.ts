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
import type { RepositoryName, Session } from './session.ts';

/** Referrers of one artifact type, each digest once, in the registry's order. */
export interface Referrers {
  readonly descriptors: readonly Descriptor[];
  /** Whether there are, or may be, more than the limits let in. */
  readonly truncated: boolean;
  /** Where they were looked for last: the referrers API, or the tag that stands in for it. */
  readonly source: 'api' | 'tag';
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
  const url = session.urlOf(repository, path);
  const first = await fetchReferrersPage(session, query, url, signal);
  if (first !== undefined) return collect(session, query, first, signal);
  const tag = await fetchReferrersTag(session, query, signal);
  const found = distinct(tag?.descriptors ?? []);
  return bounded(found, undefined, session.limits.referrers, 'tag');
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
  let bytes = first.bytes;
  for (let pages = 1; page.next !== undefined; pages++) {
    const enough =
      found.length >= limits.referrers ||
      pages >= limits.referrersPages ||
      bytes >= limits.referrersBytes;
    if (enough) break;
    page = await fetchNext(session, query, page.next, signal);
    found = distinct([...found, ...page.descriptors]);
    bytes += page.bytes;
  }
  return bounded(found, page.next, limits.referrers, 'api');
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
