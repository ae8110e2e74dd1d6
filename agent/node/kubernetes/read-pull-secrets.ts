// Asks the API server for the pods of a node, their service accounts and their image pull secrets.
import { AgentError } from '../../errors.ts';
import { type ApiClientOptions, sendRead } from './api-client.ts';
import { podsPath } from './pods.ts';
import {
  parsePullingPodPage,
  parsePullSecret,
  parseServiceAccount,
  type PullingPod,
  type PullSecret,
} from './pull-secret.ts';

/** Whole pods have tens of kilobytes: a page stays within a reply's bound. */
const PAGE_SIZE = 50;
/** As many pods as are asked for elsewhere: more than any kubelet is set to. */
const MAX_PAGES = 40;
const JSON_TYPE = 'application/json';

/** The pods of the node. Needs the right to list pods. Throws `kubernetes_failed`, also when the list expires. */
export async function listPullingPods(
  api: ApiClientOptions,
  nodeName: string,
  signal: AbortSignal,
): Promise<readonly PullingPod[]> {
  const all: PullingPod[] = [];
  let next = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const path = podsPath(nodeName, next, PAGE_SIZE);
    const found = parsePullingPodPage(await sendRead(api, { path, accept: JSON_TYPE }, signal));
    if (found.isExpired) throw new AgentError('kubernetes_failed', 'list of pods: expired');
    all.push(...found.pods);
    next = found.next;
    if (next === '') return all;
  }
  const most = MAX_PAGES * PAGE_SIZE;
  throw new AgentError('kubernetes_failed', `list of pods: expected at most ${most}, found more`);
}

/** The names of a service account's pull secrets. Needs the right to get it. Throws `kubernetes_failed`. */
export async function readServiceAccount(
  api: ApiClientOptions,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`;
  const reply = await sendRead(api, { path, accept: JSON_TYPE }, signal);
  return parseServiceAccount(reply, `service account ${namespace}/${name}`);
}

/** What a Secret holds. Needs the right to get it. Throws `kubernetes_failed`. */
export async function readPullSecret(
  api: ApiClientOptions,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<PullSecret | null> {
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
  const reply = await sendRead(api, { path, accept: JSON_TYPE }, signal);
  return parsePullSecret(reply, `Secret ${namespace}/${name}`);
}
