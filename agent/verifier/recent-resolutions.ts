// Which digest a tag had a moment ago: many reviews of one tag at once ask its registry once.
import type { Descriptor } from '../oci/descriptor.ts';
import { repositoryOf } from '../oci/reference.ts';
import { copyText } from './copied-text.ts';
import type { RegistryClient } from './registry/client.ts';

/**
 * A rollout makes its pods within seconds. Between a review and the pull of its image a tag may move at any
 * time, so nothing is lost by what is known for a moment: the pull is judged by what it finds itself.
 */
const KEPT_MS = 5_000;
/** Tags of a busy cluster's rollouts within that time. */
const MAX_KEPT = 1_000;

interface Resolution {
  readonly descriptor: Descriptor;
  readonly untilMs: number;
}

/** The client, whose `resolve` remembers what it found. A failure is not remembered. */
export function rememberResolutions(client: RegistryClient, nowMs: () => number): RegistryClient {
  const kept = new Map<string, Resolution>();
  const resolve: RegistryClient['resolve'] = async (reference, signal) => {
    const { tag, digest } = reference;
    // A digest asks for the kind and size of one manifest, which cannot change; one is as good as the other.
    const key = `${repositoryOf(reference)} ${digest ?? tag ?? ''}`;
    const known = kept.get(key);
    if (known !== undefined && known.untilMs > nowMs()) return known.descriptor;
    const descriptor = await client.resolve(reference, signal);
    kept.delete(key);
    kept.set(copyText(key), { descriptor, untilMs: nowMs() + KEPT_MS });
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size > MAX_KEPT) kept.delete(oldest);
    return descriptor;
  };
  return { ...client, resolve };
}
