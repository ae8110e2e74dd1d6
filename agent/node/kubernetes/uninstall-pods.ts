// Has the pods of a DaemonSet uninstall, and asks how far they are.
import { AgentError } from '../../errors.ts';
import { type ApiClientOptions, sendPatch, sendRead } from './api-client.ts';
import {
  type DaemonPod,
  daemonPodsPath,
  type DaemonSetName,
  daemonSetPath,
  type DaemonSetState,
  parseDaemonPods,
  parseDaemonSet,
  UNINSTALL_PATCH,
} from './daemon-set.ts';

/** Whole pods have tens of kilobytes: a page stays within a reply's bound. */
const PAGE_SIZE = 50;
/** Kubernetes is made for 5,000 nodes. */
const MAX_PAGES = 200;

/** Reads it. Needs the right to get it. Throws `kubernetes_failed`. */
export async function readDaemonSet(
  api: ApiClientOptions,
  name: DaemonSetName,
  signal: AbortSignal,
): Promise<DaemonSetState> {
  const read = { path: daemonSetPath(name), accept: 'application/json' };
  return parseDaemonSet(await sendRead(api, read, signal), name);
}

/**
 * Changes it so that each of its pods is replaced by one that takes everything off its host. Looks
 * first, because the patch would add the container to a DaemonSet of another kind. Needs the rights
 * to get and to patch it. Throws `kubernetes_failed`.
 */
export async function startUninstalling(
  api: ApiClientOptions,
  name: DaemonSetName,
  signal: AbortSignal,
): Promise<DaemonSetState> {
  await readDaemonSet(api, name, signal);
  const type = 'application/strategic-merge-patch+json';
  const patch = { path: daemonSetPath(name), type, value: UNINSTALL_PATCH } as const;
  return parseDaemonSet(await sendPatch(api, patch, signal), name);
}

/** All of its pods. Needs the right to list those of its namespace. Throws `kubernetes_failed`. */
export async function listDaemonPods(
  api: ApiClientOptions,
  name: DaemonSetName,
  { labels }: DaemonSetState,
  signal: AbortSignal,
): Promise<readonly DaemonPod[]> {
  const all: DaemonPod[] = [];
  let next = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const read = {
      path: daemonPodsPath(name, labels, next, PAGE_SIZE),
      accept: 'application/json',
    };
    const found = parseDaemonPods(await sendRead(api, read, signal));
    all.push(...found.pods);
    next = found.next;
    if (next === '') return all;
  }
  const fault = `expected at most ${MAX_PAGES * PAGE_SIZE}, found more`;
  throw new AgentError('kubernetes_failed', `list of pods: ${fault}`);
}
