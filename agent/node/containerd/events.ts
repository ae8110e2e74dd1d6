// containerd's image events, as they happen.
import { AgentError } from '../../errors.ts';
import { type ContainerdClient, NAMESPACE } from './client.ts';
import { decodeNamed, METHODS } from './descriptors.ts';
import type { EnvelopeMessage } from './messages.ts';
import { parseImageName } from './images.ts';

/** An image record came, changed or went. What it points at now is `getImage`'s to say. */
export interface ImageEvent {
  readonly kind: 'created' | 'updated' | 'deleted';
  readonly name: string;
}

const PAYLOADS = {
  'containerd.services.images.v1.ImageCreate': { kind: 'created', message: 'ImageCreate' },
  'containerd.services.images.v1.ImageUpdate': { kind: 'updated', message: 'ImageUpdate' },
  'containerd.services.images.v1.ImageDelete': { kind: 'deleted', message: 'ImageDelete' },
} as const;

const PAYLOADS_BY_TYPE: ReadonlyMap<string, (typeof PAYLOADS)[keyof typeof PAYLOADS]> = new Map(
  Object.entries(PAYLOADS),
);

/**
 * Follows the image events of kubelet's namespace until `signal` aborts. Throws
 * `containerd_unavailable` or `containerd_failed` when the stream breaks; the caller subscribes
 * again and lists the images, because containerd replays nothing.
 *
 * containerd does not acknowledge a subscription, so an event of the first moments may be missed
 * even when the list is asked for after this: only listing again from time to time finds those.
 */
export async function* followImageEvents(
  client: ContainerdClient,
  signal?: AbortSignal,
): AsyncGenerator<ImageEvent, void, undefined> {
  const filters = [`namespace==${NAMESPACE},topic~="^/images/"`];
  for await (const envelope of client.stream(METHODS.subscribe, { filters }, signal)) {
    const event = parseEnvelope(envelope);
    if (event !== null) yield event;
  }
}

/**
 * Null for an event of a type that is not about one image record (a later containerd may have
 * such). Throws `containerd_failed` for a payload that is not what its type says.
 */
export function parseEnvelope({ topic, namespace, event }: EnvelopeMessage): ImageEvent | null {
  // The subscription ignores the namespace of the call, so the filter is all there is; trust neither.
  if (namespace !== NAMESPACE || event === null) return null;
  const payload = PAYLOADS_BY_TYPE.get(event.typeUrl);
  if (payload === undefined) return null;
  try {
    return { kind: payload.kind, name: parseImageName(decodeNamed(payload.message, event.value)) };
  } catch (cause) {
    throw new AgentError(
      'containerd_failed',
      `containerd event ${JSON.stringify(topic)}: expected a ${event.typeUrl}, found ${event.value.length} bytes that are none: ${String(cause)}`,
      { cause },
    );
  }
}
