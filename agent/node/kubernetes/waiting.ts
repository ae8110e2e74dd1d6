// Containers that wait for an image, as the API server lists the pods of a node. Pure.
import { AgentError } from '../../errors.ts';
import { isJsonObject } from '../../oci/json-object.ts';
import { listAt, objectAt } from './members.ts';
import { parseJson, type Reply, said } from './reply.ts';

/** A container whose image could not be pulled. Its texts are untrusted, and at most `MAX_LENGTH` long. */
export interface WaitingContainer {
  /** As the pod names it. */
  readonly image: string;
  readonly pod: { readonly uid: string; readonly namespace: string; readonly name: string };
  /** As `spec.containers{NAME}`. */
  readonly fieldPath: string;
}

/** One page of a list. */
export interface WaitingPage {
  readonly containers: readonly WaitingContainer[];
  /** To ask for the next page with; '' after the last. */
  readonly next: string;
  /** The list that is continued is no longer kept: it is to be asked for anew. */
  readonly isExpired: boolean;
}

const MAX_LENGTH = 1024;
const OK = 200;
const GONE = 410;
/** As kubelet says it, at once and while it waits for its next try. */
const REASONS: ReadonlySet<unknown> = new Set(['ErrImagePull', 'ImagePullBackOff']);
/** On the pod that kubelet shows for a static one: by it that one's Events are found. */
const STATIC_POD_UID = 'kubernetes.io/config.mirror';

const STATUSES = [
  ['initContainerStatuses', 'spec.initContainers'],
  ['containerStatuses', 'spec.containers'],
  ['ephemeralContainerStatuses', 'spec.ephemeralContainers'],
] as const;

/** Throws `kubernetes_failed` for an answer other than 200 and 410, and for one that is no list. */
export function parseWaitingPage({ status, body }: Reply): WaitingPage {
  const value = parseJson(body);
  if (status === GONE) return { containers: [], next: '', isExpired: true };
  if (status !== OK) throw failed(`expected 200, found ${status}${said(value)}`);
  const items = isJsonObject(value) ? value['items'] : undefined;
  if (!isJsonObject(value) || !Array.isArray(items)) throw failed('expected a list of pods');
  const next = objectAt(value, 'metadata')['continue'];
  return {
    containers: (items as readonly unknown[]).flatMap(waitingOf),
    next: typeof next === 'string' ? next : '',
    isExpired: false,
  };
}

function waitingOf(item: unknown): WaitingContainer[] {
  const { uid: own, namespace, name, ...metadata } = objectAt(item, 'metadata');
  const uid = objectAt(metadata, 'annotations')[STATIC_POD_UID] ?? own;
  if (!isText(uid) || !isText(namespace) || !isText(name)) return [];
  const status = objectAt(item, 'status');
  return STATUSES.flatMap(([key, path]) =>
    listAt(status, key).flatMap((one) => {
      const { image, name: container } = one;
      const { reason } = objectAt(objectAt(one, 'state'), 'waiting');
      if (!REASONS.has(reason) || !isText(image) || !isText(container)) return [];
      return [{ image, pod: { uid, namespace, name }, fieldPath: `${path}{${container}}` }];
    }),
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH;
}

function failed(fault: string): AgentError {
  return new AgentError('kubernetes_failed', `list of pods: ${fault}`);
}
