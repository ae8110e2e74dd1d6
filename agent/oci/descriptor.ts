// OCI content descriptors: OCI image specification, descriptor.md.
import { AgentError } from '../errors.ts';
import { type Digest, parseDigest } from './digest.ts';
import { isJsonObject } from './json-object.ts';
import { show } from './show.ts';

/** Identifies content by media type, digest and size in bytes. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Narrows a decoded JSON value to a descriptor, or throws `descriptor_invalid` (`digest_invalid`
 * for its digest) naming `what`. Fields that are not named here are ignored, as the specification
 * asks; whether the content exists is not checked.
 */
export function parseDescriptor(value: unknown, what: string): Descriptor {
  if (!isJsonObject(value)) throw invalid(what, 'an object', value);
  const { mediaType, digest, size, artifactType, annotations } = value;
  if (typeof mediaType !== 'string' || mediaType === '') {
    throw invalid(`${what}.mediaType`, 'a non-empty string', mediaType);
  }
  if (typeof digest !== 'string') throw invalid(`${what}.digest`, 'a string', digest);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid(`${what}.size`, 'a whole number of bytes', size);
  }
  if (artifactType !== undefined && typeof artifactType !== 'string') {
    throw invalid(`${what}.artifactType`, 'a string', artifactType);
  }
  return {
    mediaType,
    digest: parseDigest(digest, `${what}.digest`),
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined || annotations === null
      ? {}
      : { annotations: parseAnnotations(annotations, `${what}.annotations`) }),
  };
}

function parseAnnotations(value: unknown, what: string): Readonly<Record<string, string>> {
  if (!isJsonObject(value)) throw invalid(what, 'an object', value);
  const annotations = Object.create(null) as Record<string, string>;
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw invalid(`${what}[${show(key)}]`, 'a string', text);
    annotations[key] = text;
  }
  return annotations;
}

function invalid(what: string, expected: string, found: unknown): AgentError {
  return new AgentError(
    'descriptor_invalid',
    `${what}: expected ${expected}, found ${show(found)}`,
  );
}
