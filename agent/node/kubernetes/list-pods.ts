// Asks the API server what made the pods of a node.
import { AgentError } from '../../errors.ts';
import { type ApiClientOptions, sendRead } from './api-client.ts';
import { METADATA_LIST, parsePodPage, type PodController, podsPath } from './pods.ts';

/** Metadata of a pod is a few kilobytes, most of it of no use to us: a page stays within a reply's bound. */
const PAGE_SIZE = 250;
/** Kubernetes is made for 110 pods on a node, and no kubelet is set to ten times as many. */
const MAX_PAGES = 8;

/**
 * What made each pod of the node, by its uid. Needs the right to list pods. Throws
 * `kubernetes_failed`.
 */
export async function listPodControllers(
  api: ApiClientOptions,
  nodeName: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, PodController | null>> {
  const all = new Map<string, PodController | null>();
  let next = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const path = podsPath(nodeName, next, PAGE_SIZE);
    const found = parsePodPage(await sendRead(api, { path, accept: METADATA_LIST }, signal));
    for (const [uid, controller] of found.controllers) all.set(uid, controller);
    next = found.next;
    if (next === '') return all;
  }
  const most = MAX_PAGES * PAGE_SIZE;
  throw new AgentError(
    'kubernetes_failed',
    `list of pods: expected at most ${most} on one node, found more`,
  );
}
