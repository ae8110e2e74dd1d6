// containerd's image records: names and the content they point at.
import { AgentError } from '../../errors.ts';
import { type Descriptor, parseDescriptor } from '../../oci/descriptor.ts';
import { MAX_REFERENCE_LENGTH } from '../../oci/reference.ts';
import { type ContainerdClient, statusOf } from './client.ts';
import { METHODS } from './descriptors.ts';
import type { ImageMessage, TimestampMessage } from './messages.ts';

/**
 * A name and its content. One CRI image has three records: its tag, its repository digest and its
 * config digest (`sha256:…`), all with the same target.
 */
export interface ImageRecord {
  /** Not a reference yet: any text that whoever made the record chose. */
  readonly name: string;
  readonly target: Descriptor;
  readonly labels: ReadonlyMap<string, string>;
  /** Null when the record has no time, or one that is no date. */
  readonly createdAt: Date | null;
  /** The same of its last change, be it of the target or of a label. */
  readonly updatedAt: Date | null;
}

/** What `listImages` found. */
export interface ImageList {
  readonly images: readonly ImageRecord[];
  /** One for each record that could not be read. The image behind it has not been judged. */
  readonly invalid: readonly AgentError[];
}

/**
 * Lists every image record. A malformed one is reported in `invalid` and hides no other. Throws
 * `containerd_unavailable` or `containerd_failed`.
 */
export async function listImages(
  client: ContainerdClient,
  signal?: AbortSignal,
): Promise<ImageList> {
  const { images: messages } = await client.call(METHODS.listImages, { filters: [] }, { signal });
  const images: ImageRecord[] = [];
  const invalid: AgentError[] = [];
  for (const message of messages) {
    try {
      images.push(parseImage(message));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      invalid.push(error);
    }
  }
  return { images, invalid };
}

/**
 * Reads one image record, or null when there is none by that name. Throws `reference_invalid`,
 * `descriptor_invalid` or `digest_invalid` for a malformed record, `containerd_unavailable` or
 * `containerd_failed` for the call.
 */
export async function getImage(
  client: ContainerdClient,
  name: string,
  signal?: AbortSignal,
): Promise<ImageRecord | null> {
  try {
    const { image } = await client.call(METHODS.getImage, { name }, { signal });
    return image === null ? null : parseImage(image);
  } catch (error) {
    if (statusOf(error) === 'NOT_FOUND') return null;
    throw error;
  }
}

/** Narrows a name that containerd gave to one that may be stored and shown, or throws `reference_invalid`. */
export function parseImageName(name: string): string {
  if (name !== '' && name.length <= MAX_REFERENCE_LENGTH) return name;
  throw new AgentError(
    'reference_invalid',
    `image record: expected a name of 1 to ${MAX_REFERENCE_LENGTH} characters, found ${name.length}: ${JSON.stringify(name.slice(0, 80))}`,
  );
}

function parseImage({ name, target, labels, createdAt, updatedAt }: ImageMessage): ImageRecord {
  const what = `target of image record ${JSON.stringify(parseImageName(name))}`;
  return {
    name,
    target: parseDescriptor(
      target === null ? null : { ...target, size: Number(target.size) },
      what,
    ),
    labels: new Map(Object.entries(labels)),
    createdAt: parseTime(createdAt),
    updatedAt: parseTime(updatedAt),
  };
}

function parseTime(message: TimestampMessage | null): Date | null {
  if (message === null) return null;
  const time = new Date(Number(message.seconds) * 1000 + Math.floor(message.nanos / 1e6));
  return Number.isNaN(time.getTime()) ? null : time;
}
