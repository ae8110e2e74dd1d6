// The CRI calls that kubelet makes for images: pulling one this way takes the same path through containerd.
import type { ContainerdClient } from './client.ts';
import { METHODS } from './descriptors.ts';

/** A pull moves layers over the network; kubelet gives it no less. */
export const PULL_TIMEOUT_MS = 5 * 60_000;

/** Removing waits for containerd's garbage collector. */
export const REMOVE_TIMEOUT_MS = 60_000;

/** An image as kubelet sees it. Its texts are untrusted. */
export interface CriImage {
  /** Digest of the image's config, not of its manifest. */
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly sizeBytes: number;
  readonly pinned: boolean;
}

/** Who answers behind the socket. */
export interface CriVersion {
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  readonly runtimeApiVersion: string;
}

/**
 * Pulls an image without credentials and returns its id. Throws `containerd_failed` when the pull
 * was refused or failed: the message ends with containerd's whole text, in which the image
 * verifier's reason stands; `containerd_unavailable` when nothing answered within `timeoutMs`
 * (default `PULL_TIMEOUT_MS`), which makes containerd give the pull up.
 */
export async function pullImage(
  client: ContainerdClient,
  image: string,
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<string> {
  const { timeoutMs = PULL_TIMEOUT_MS, signal } = options;
  const { imageRef } = await client.call(
    METHODS.pullImage,
    { image: { image } },
    { timeoutMs, signal },
  );
  return imageRef;
}

/** Lists the images that CRI knows. Throws `containerd_unavailable` or `containerd_failed`. */
export async function listCriImages(
  client: ContainerdClient,
  signal?: AbortSignal,
): Promise<readonly CriImage[]> {
  const { images } = await client.call(METHODS.listCriImages, {}, { signal });
  return images.map(({ size, ...image }) => ({ ...image, sizeBytes: Number(size) }));
}

/**
 * Removes an image by any of its names; one that is not there is no error. Throws
 * `containerd_unavailable` or `containerd_failed`.
 */
export async function removeImage(
  client: ContainerdClient,
  image: string,
  signal?: AbortSignal,
): Promise<void> {
  const options = { timeoutMs: REMOVE_TIMEOUT_MS, signal };
  await client.call(METHODS.removeImage, { image: { image } }, options);
}

/** Asks who serves CRI. Throws `containerd_unavailable` or `containerd_failed`. */
export async function fetchCriVersion(
  client: ContainerdClient,
  signal?: AbortSignal,
): Promise<CriVersion> {
  const { runtimeName, runtimeVersion, runtimeApiVersion } = await client.call(
    METHODS.criVersion,
    { version: '' },
    { signal },
  );
  return { runtimeName, runtimeVersion, runtimeApiVersion };
}
