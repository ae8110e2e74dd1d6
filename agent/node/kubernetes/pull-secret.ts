// Image pull secrets: which the pods of a node name, and what the API server says is in them. Pure.
import { AgentError } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../oci/json-object.ts';
import { listAt, objectAt } from './members.ts';
import { parseJson, type Reply, said } from './reply.ts';

/** What a pod says of its images and how to pull them. Its texts are untrusted. */
export interface PullingPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** As the pod names them. */
  readonly images: readonly string[];
  /** Names of its own pull secrets. Those of its service account are copied to it when it has none. */
  readonly secrets: readonly string[];
  readonly serviceAccount: string;
}

export interface PullingPodPage {
  readonly pods: readonly PullingPod[];
  /** To ask for the next page with; '' after the last. */
  readonly next: string;
  /** The list that is continued is no longer kept: it is to be asked for anew. */
  readonly isExpired: boolean;
}

/** Docker's configuration of credentials, in one of its two forms. */
export interface PullSecret {
  readonly form: 'config' | 'legacy';
  readonly document: Uint8Array;
}

const OK = 200;
const GONE = 410;
const MAX_IMAGE_LENGTH = 1024;
const CONTAINERS = ['initContainers', 'containers', 'ephemeralContainers'] as const;
/** What Kubernetes lets Secrets, service accounts and namespaces be called. */
const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** Throws `kubernetes_failed` for an answer other than 200 and 410, and for one that is no list. */
export function parsePullingPodPage({ status, body }: Reply): PullingPodPage {
  const value = parseJson(body);
  if (status === GONE) return { pods: [], next: '', isExpired: true };
  const what = 'list of pods';
  if (status !== OK) throw failed(what, `expected 200, found ${status}${said(value)}`);
  const items = isJsonObject(value) ? value['items'] : undefined;
  if (!isJsonObject(value) || !Array.isArray(items)) throw failed(what, 'expected a list of pods');
  const next = objectAt(value, 'metadata')['continue'];
  return {
    pods: (items as readonly unknown[]).flatMap(podOf),
    next: typeof next === 'string' ? next : '',
    isExpired: false,
  };
}

function podOf(item: unknown): PullingPod[] {
  const { namespace, name, uid } = objectAt(item, 'metadata');
  const spec = objectAt(item, 'spec');
  if (!isName(namespace) || !isName(name) || !isName(uid)) return [];
  const images = CONTAINERS.flatMap((key) => listAt(spec, key).map(({ image }) => image));
  const { serviceAccountName } = spec;
  return [
    {
      ...{ namespace, name, uid },
      images: images.filter(isImage),
      secrets: secretNamesOf(spec),
      serviceAccount: isName(serviceAccountName) ? serviceAccountName : '',
    },
  ];
}

/** The pull secrets that a service account names; none where there is no such account. Throws as above. */
export function parseServiceAccount({ status, body }: Reply, what: string): readonly string[] {
  const value = parseJson(body);
  if (status === 404) return [];
  if (status !== OK) throw failed(what, `expected 200, found ${status}${said(value)}`);
  if (!isJsonObject(value) || value['kind'] !== 'ServiceAccount') {
    throw failed(what, 'expected a service account, found something else');
  }
  return secretNamesOf(value);
}

/**
 * What a Secret holds; null for one that is not there or of another type, which kubelet passes over,
 * too. Throws as above, and quotes nothing of the Secret.
 */
export function parsePullSecret({ status, body }: Reply, what: string): PullSecret | null {
  if (status === 404) return null;
  const value = parseJson(body);
  if (status !== OK) throw failed(what, `expected 200, found ${status}${said(value)}`);
  if (!isJsonObject(value) || value['kind'] !== 'Secret') {
    throw failed(what, 'expected a Secret, found something else');
  }
  const [form, key] =
    value['type'] === 'kubernetes.io/dockercfg'
      ? (['legacy', '.dockercfg'] as const)
      : (['config', '.dockerconfigjson'] as const);
  const text = objectAt(value, 'data')[key];
  return typeof text === 'string' ? { form, document: Buffer.from(text, 'base64') } : null;
}

function secretNamesOf(value: JsonObject): readonly string[] {
  return listAt(value, 'imagePullSecrets')
    .map(({ name }) => name)
    .filter(isName);
}

/** It becomes part of a path. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

function isImage(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_IMAGE_LENGTH;
}

function failed(what: string, fault: string): AgentError {
  return new AgentError('kubernetes_failed', `${what}: ${fault}`);
}
