// What made the pods of a node, such as a ReplicaSet, as the API server lists it. Pure.
import { AgentError } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../oci/json-object.ts';
import { objectAt } from './members.ts';
import { parseJson, type Reply, said } from './reply.ts';

/** What made a pod. Its texts are untrusted, and at most `MAX_NAME_LENGTH` long. */
export interface PodController {
  readonly kind: string;
  readonly name: string;
}

/** One page of a list. */
export interface PodPage {
  /** By the pod's uid, as containers are labelled with it; null where nothing made the pod. */
  readonly controllers: ReadonlyMap<string, PodController | null>;
  /** To ask for the next page with; '' after the last. */
  readonly next: string;
}

/** Kubernetes' bound on names. */
const MAX_NAME_LENGTH = 253;
const OK = 200;
/** On the pod that kubelet shows for a static one: by it kubelet labels that one's containers. */
const STATIC_POD_UID = 'kubernetes.io/config.hash';

/** The pods' metadata is all that is asked for: what they hold may be secret, and is long. */
export const METADATA_LIST =
  'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

/**
 * The path of a page: pods of one node, from the API server's own memory rather than from its storage;
 * of one phase only, unless that is ''.
 */
export function podsPath(nodeName: string, next: string, limit: number, phase = ''): string {
  const ofPhase = phase === '' ? '' : `,status.phase=${phase}`;
  const query = new URLSearchParams({
    fieldSelector: `spec.nodeName=${nodeName}${ofPhase}`,
    limit: String(limit),
    // What continues a list has a version already.
    ...(next === '' ? { resourceVersion: '0' } : { continue: next }),
  });
  return `/api/v1/pods?${query.toString()}`;
}

/** Throws `kubernetes_failed` for an answer other than 200, and for one that is no list. */
export function parsePodPage({ status, body }: Reply): PodPage {
  const value = parseJson(body);
  if (status !== OK) throw failed(`expected 200, found ${status}${said(value)}`);
  const items = isJsonObject(value) ? value['items'] : undefined;
  if (!isJsonObject(value) || !Array.isArray(items)) throw failed('expected a list of pods');
  const controllers = new Map<string, PodController | null>();
  for (const item of items as readonly unknown[]) {
    const metadata = objectAt(item, 'metadata');
    const annotated = objectAt(metadata, 'annotations')[STATIC_POD_UID];
    const controller = controllerOf(metadata);
    for (const uid of [metadata['uid'], annotated]) {
      if (isName(uid)) controllers.set(uid, controller);
    }
  }
  const next = objectAt(value, 'metadata')['continue'];
  return { controllers, next: typeof next === 'string' ? next : '' };
}

function controllerOf(metadata: JsonObject): PodController | null {
  const owners = metadata['ownerReferences'];
  const list: readonly unknown[] = Array.isArray(owners) ? owners : [];
  const owner = list.filter(isJsonObject).find((one) => one['controller'] === true);
  if (owner === undefined) return null;
  const { kind, name } = owner;
  return isName(kind) && isName(name) ? { kind, name } : null;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;
}

function failed(fault: string): AgentError {
  return new AgentError('kubernetes_failed', `list of pods: ${fault}`);
}
