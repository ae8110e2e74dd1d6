// A DaemonSet and its pods as the API server shows them, and what makes its pods uninstall. Pure.
import { AgentError } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../oci/json-object.ts';
import { parseJson, type Reply, said } from './reply.ts';

/** Which DaemonSet. */
export interface DaemonSetName {
  readonly namespace: string;
  readonly name: string;
}

/** How far its pods are. */
export interface DaemonSetState {
  /** Its controller has seen the last change; before, the numbers are of what was. */
  readonly isObserved: boolean;
  /** Nodes that are to have a pod. */
  readonly desired: number;
  /** Of them, those that have a pod of the last change. */
  readonly updated: number;
  /** Of them, those whose pod is ready, whichever change it is of. */
  readonly ready: number;
  /** What its pods are labelled with. */
  readonly labels: ReadonlyMap<string, string>;
}

/** One of its pods. */
export interface DaemonPod {
  /** The node that it is for, also before it is there; '' where that is not told. */
  readonly node: string;
  /** It is one that uninstalls, and it is done. */
  readonly isDone: boolean;
}

/** One page of a list. */
export interface DaemonPodPage {
  readonly pods: readonly DaemonPod[];
  /** To ask for the next page with; '' after the last. */
  readonly next: string;
}

/** The agent's container; manifests/ call it so. */
export const CONTAINER = 'nodeseal';
/** What it is run with to take everything off its host, and to stay so that it counts as ready. */
export const UNINSTALL_ARGS: readonly string[] = ['uninstall', '--stay'];

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;
const OK = 200;

/** NAMESPACE/NAME, or undefined for another text. */
export function parseDaemonSetName(text: string): DaemonSetName | undefined {
  const [namespace = '', name = '', more] = text.split('/');
  const isName = DNS_LABEL.test(namespace) && DNS_SUBDOMAIN.test(name) && more === undefined;
  return isName ? { namespace, name } : undefined;
}

/** Where the API server has it. */
export function daemonSetPath({ namespace, name }: DaemonSetName): string {
  return `/apis/apps/v1/namespaces/${namespace}/daemonsets/${name}`;
}

/** Where it has a page of its pods. */
export function daemonPodsPath(
  { namespace }: DaemonSetName,
  labels: ReadonlyMap<string, string>,
  next: string,
  limit: number,
): string {
  const labelSelector = [...labels].map(([key, value]) => `${key}=${value}`).join(',');
  const query = new URLSearchParams({ labelSelector, limit: String(limit) });
  if (next !== '') query.set('continue', next);
  return `/api/v1/namespaces/${namespace}/pods?${query.toString()}`;
}

/**
 * Has every pod of it uninstall, all at once; a patch of the type
 * `application/strategic-merge-patch+json`, where containers are merged by their name.
 */
export const UNINSTALL_PATCH = {
  spec: {
    updateStrategy: {
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: '100%', maxSurge: 0 },
    },
    template: { spec: { containers: [{ name: CONTAINER, args: UNINSTALL_ARGS }] } },
  },
};

/**
 * Throws `kubernetes_failed` for an answer other than 200, for one that is not this DaemonSet, and for
 * a DaemonSet without the agent's container.
 */
export function parseDaemonSet({ status, body }: Reply, { namespace, name }: DaemonSetName) {
  const what = `DaemonSet ${namespace}/${name}`;
  const value = parseJson(body);
  if (status !== OK) throw failed(what, `expected 200, found ${status}${said(value)}`);
  const { kind, metadata, spec } = objects(value, 'metadata', 'spec');
  if (kind !== 'DaemonSet' || metadata['name'] !== name)
    throw failed(what, 'expected it, found another object');
  const template = objects(objects(spec, 'template').template, 'spec').spec;
  if (!containersOf(template).some((one) => one['name'] === CONTAINER)) {
    throw failed(what, `expected a container named ${CONTAINER}, found none`);
  }
  return stateOf(value, what);
}

function stateOf(value: unknown, what: string): DaemonSetState {
  const { metadata, spec, status } = objects(value, 'metadata', 'spec', 'status');
  const labels = objects(objects(spec, 'selector').selector, 'matchLabels').matchLabels;
  const number = (found: unknown) => (Number.isSafeInteger(found) ? Number(found) : 0);
  const selected = Object.entries(labels).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  // Without any, every pod of the namespace would be taken for one of it.
  if (selected.length === 0) throw failed(what, 'expected a selector of labels, found none');
  return {
    isObserved: number(status['observedGeneration']) >= number(metadata['generation']),
    desired: number(status['desiredNumberScheduled']),
    updated: number(status['updatedNumberScheduled']),
    ready: number(status['numberReady']),
    labels: new Map(selected),
  };
}

/** All of its pods are of the last change, and ready. */
export function isRolledOut({ isObserved, desired, updated, ready }: DaemonSetState): boolean {
  return isObserved && updated >= desired && ready >= desired;
}

/** Throws `kubernetes_failed` for an answer other than 200, and for one that is no list. */
export function parseDaemonPods({ status, body }: Reply): DaemonPodPage {
  const value = parseJson(body);
  if (status !== OK) throw failed('list of pods', `expected 200, found ${status}${said(value)}`);
  const { metadata, items } = objects(value, 'metadata');
  if (!Array.isArray(items)) throw failed('list of pods', 'expected a list');
  const next = metadata['continue'];
  const pods = (items as readonly unknown[]).map(parsePod);
  return { pods, next: typeof next === 'string' ? next : '' };
}

function parsePod(value: unknown): DaemonPod {
  const { metadata, spec, status } = objects(value, 'metadata', 'spec', 'status');
  const own = containersOf(spec).find((one) => one['name'] === CONTAINER);
  const isUninstalling = listOf(own?.['args'])[0] === UNINSTALL_ARGS[0];
  const isReady = listOf(status['conditions'])
    .filter(isJsonObject)
    .some((one) => one['type'] === 'Ready' && one['status'] === 'True');
  const isLeaving = metadata['deletionTimestamp'] !== undefined;
  return { node: nodeOf(spec), isDone: isUninstalling && isReady && !isLeaving };
}

/** Its controller pins a pod to its node by the node's name, before any scheduler has seen it. */
function nodeOf(spec: JsonObject): string {
  const named = spec['nodeName'];
  if (typeof named === 'string' && DNS_SUBDOMAIN.test(named)) return named;
  const { nodeAffinity } = objects(objects(spec, 'affinity').affinity, 'nodeAffinity');
  const required = nodeAffinity['requiredDuringSchedulingIgnoredDuringExecution'];
  const terms = isJsonObject(required) ? listOf(required['nodeSelectorTerms']) : [];
  const fields = terms.filter(isJsonObject).flatMap((term) => listOf(term['matchFields']));
  const values = fields
    .filter(isJsonObject)
    .filter((field) => field['key'] === 'metadata.name')
    .flatMap((field) => listOf(field['values']));
  const [first] = values.filter((one): one is string => typeof one === 'string');
  return first !== undefined && DNS_SUBDOMAIN.test(first) ? first : '';
}

function containersOf(spec: JsonObject): readonly JsonObject[] {
  return listOf(spec['containers']).filter(isJsonObject);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The value with these members as objects, empty ones where they are something else. */
function objects<const K extends string>(
  value: unknown,
  ...keys: readonly K[]
): JsonObject & Record<K, JsonObject> {
  const from = isJsonObject(value) ? value : {};
  const members = keys.map((key) => [key, isJsonObject(from[key]) ? from[key] : {}]);
  return { ...from, ...(Object.fromEntries(members) as Record<K, JsonObject>) };
}

function failed(what: string, fault: string): AgentError {
  return new AgentError('kubernetes_failed', `${what}: ${fault}`);
}
