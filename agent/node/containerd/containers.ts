// The containers of this node as CRI lists them, with the pods that they are of.
import type { ContainerdClient } from './client.ts';
import { METHODS } from './descriptors.ts';
import type { CriContainerMessage } from './messages.ts';

/** A container that has not ended. Its texts are untrusted, and cut at `MAX_TEXT_LENGTH`. */
export interface PodContainer {
  readonly id: string;
  /** As the pod names it. */
  readonly name: string;
  /** What it was made from: as records of containerd are named, or as kubelet asked for it. */
  readonly images: readonly string[];
  /** What the pod asks for, as its author wrote it, where kubelet tells; else one of `images`. */
  readonly asked: string;
  /** As kubelet labels it; texts are empty where it does not. */
  readonly pod: { readonly uid: string; readonly namespace: string; readonly name: string };
  /** Null when it has no time, or one that is no date. */
  readonly createdAt: Date | null;
}

/** runtime.v1.ContainerState: created 0, running 1, exited 2, unknown 3. */
const EXITED = 2;
/** Of Kubernetes' own names the longest have 253 characters; a reference at most 1024. */
const MAX_TEXT_LENGTH = 1024;
const NANOSECONDS = 1_000_000n;

/** Lists those that have not exited. Throws `containerd_unavailable` or `containerd_failed`. */
export async function listPodContainers(
  client: ContainerdClient,
  signal?: AbortSignal,
): Promise<readonly PodContainer[]> {
  const { containers } = await client.call(METHODS.listContainers, {}, { signal });
  return containers.filter(({ state }) => state !== EXITED).map(toContainer);
}

function toContainer(message: CriContainerMessage): PodContainer {
  const { id, metadata, image, imageRef, labels, createdAt } = message;
  const label = (name: string): string => cut(labels[`io.kubernetes.${name}`] ?? '');
  const images = [imageRef, image?.image ?? ''].filter((name) => name !== '').map(cut);
  const asked = image?.userSpecifiedImage ?? '';
  return {
    id: cut(id),
    name: cut(metadata?.name ?? ''),
    images,
    asked: asked === '' ? (images.at(-1) ?? '') : cut(asked),
    pod: { uid: label('pod.uid'), namespace: label('pod.namespace'), name: label('pod.name') },
    createdAt: createdAt === '0' ? null : parseNanoseconds(createdAt),
  };
}

function parseNanoseconds(text: string): Date | null {
  const time = new Date(Number(BigInt(text) / NANOSECONDS));
  return Number.isNaN(time.getTime()) ? null : time;
}

function cut(text: string): string {
  return text.slice(0, MAX_TEXT_LENGTH);
}
