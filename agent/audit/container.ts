// What runs on the node: containers, the images they run, the pods they are of.
import type { Digest } from '../oci/digest.ts';

/** A container that has not ended, as containerd tells of it. Its texts are untrusted. */
export interface NodeContainer {
  readonly id: string;
  /** As the pod names it. */
  readonly name: string;
  /** Names of records that it was made from. */
  readonly images: readonly string[];
  /** What the pod asks for, as its author wrote it; else one of `images`. */
  readonly asked: string;
  /** Texts are empty where it is of no pod. */
  readonly pod: { readonly uid: string; readonly namespace: string; readonly name: string };
  readonly createdAt: Date | null;
}

/** What made a pod, such as a ReplicaSet. */
export interface Controller {
  readonly kind: string;
  readonly name: string;
}

/** A container with what the ledger knows of it. */
export interface LedgerContainer extends Omit<NodeContainer, 'images'> {
  /** Null where it runs content that several repositories name, and does not tell which it is of. */
  readonly repository: string | null;
  /** Null where it names no record that was ever seen. */
  readonly digest: Digest | null;
  /** Null where the pod has none, or Kubernetes was not asked. */
  readonly controller: Controller | null;
}

/** What a reference without a registry means to kubelet. */
const DEFAULT_REGISTRY = 'docker.io';

/**
 * The repository that a pod asks for, written out as containerd's records have it. Only to tell
 * apart repositories that are known to hold the image: never to verify by.
 */
export function askedRepository(asked: string): string {
  const [named = ''] = asked.split('@');
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const path = (isHost ? named.slice(slash + 1) : named).replace(/:[^/]*$/, '');
  if (isHost) return `${first}/${path}`;
  return `${DEFAULT_REGISTRY}/${path.includes('/') ? path : `library/${path}`}`;
}
