// containerd's events by which a container begins or ends, as they happen.
import { type ContainerdClient, NAMESPACE } from './client.ts';
import { decodeExit, METHODS } from './descriptors.ts';
import type { EnvelopeMessage } from './messages.ts';

const EXIT = 'containerd.events.TaskExit';
const OTHERS: ReadonlySet<string> = new Set([
  'containerd.events.TaskStart',
  'containerd.events.TaskDelete',
  'containerd.events.ContainerDelete',
]);

/**
 * Yields the type of each event by which a container may have begun or ended, until `signal` aborts;
 * which do is for a list to say. Throws `containerd_unavailable` or `containerd_failed` when the stream
 * breaks. As with image events, containerd neither acknowledges nor replays.
 */
export async function* followTaskEvents(
  client: ContainerdClient,
  signal?: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const topics = ['/tasks/start', '/tasks/exit', '/tasks/delete', '/containers/delete'];
  const filters = topics.map((topic) => `namespace==${NAMESPACE},topic=="${topic}"`);
  for await (const envelope of client.stream(METHODS.subscribe, { filters }, signal)) {
    const type = turnOf(envelope);
    if (type !== null) yield type;
  }
}

/**
 * Null for what does not begin or end a container: of another namespace, or the exit of a process that
 * was started in a container, as kubelet does for each probe.
 */
export function turnOf({ namespace, event }: EnvelopeMessage): string | null {
  if (namespace !== NAMESPACE || event === null) return null;
  const { typeUrl, value } = event;
  if (OTHERS.has(typeUrl)) return typeUrl;
  return typeUrl === EXIT && !isOfProcess(value) ? typeUrl : null;
}

function isOfProcess(value: Buffer): boolean {
  try {
    const { containerId, id } = decodeExit(value);
    return id !== '' && id !== containerId;
  } catch {
    // Not what its type says. A list too many does no harm, one too few does.
    return false;
  }
}
