// The bytes of a file to install, known by their SHA-256, held in memory or read from a file of ours.
import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { AgentError } from '../../errors.ts';
import { readChunks } from './host-fs.ts';

/** SHA-256 in lower-case hexadecimal, and where the bytes come from. */
export type Content =
  | { readonly kind: 'bytes'; readonly sha256: string; readonly bytes: Uint8Array }
  | FileContent
  /** A file of the host, by its path there. */
  | { readonly kind: 'host'; readonly sha256: string; readonly path: string };

/** By a path of this process. */
export interface FileContent {
  readonly kind: 'file';
  readonly sha256: string;
  readonly path: string;
}

/** Content held in memory. */
export function contentOfBytes(bytes: Uint8Array): Content {
  return { kind: 'bytes', sha256: createHash('sha256').update(bytes).digest('hex'), bytes };
}

/** Content of a file outside the host root. Throws `host_write_failed` when it cannot be read. */
export async function contentOfFile(path: string): Promise<FileContent> {
  const hash = createHash('sha256');
  for await (const chunk of readSource(path)) hash.update(chunk);
  return { kind: 'file', sha256: hash.digest('hex'), path };
}

/** A change within this after another may leave the times of a file as they were. */
const UNSURE_MS = 2000;

/**
 * Content of one file that is asked for again and again: the verifier takes a tenth of a second to
 * read, and is a different one only once its times, its size or its place on the disk are.
 */
export class KnownContent {
  readonly #read: (path: string) => Promise<FileContent>;
  readonly #nowMs: () => number;
  #known: { readonly state: string; readonly content: FileContent } | undefined;

  constructor(read = contentOfFile, nowMs = Date.now) {
    this.#read = read;
    this.#nowMs = nowMs;
  }

  /** As `contentOfFile`. */
  async of(path: string): Promise<FileContent> {
    const before = await stateOf(path);
    if (this.#known !== undefined && this.#known.state === before?.state)
      return this.#known.content;
    const content = await this.#read(path);
    const isSure = before !== undefined && this.#nowMs() - before.changedMs > UNSURE_MS;
    this.#known = isSure ? { state: before.state, content } : undefined;
    return content;
  }
}

async function stateOf(path: string) {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  if (stats === undefined) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = stats;
  return { state: [path, dev, ino, size, mtimeNs, ctimeNs].join(' '), changedMs: Number(ctimeMs) };
}

/**
 * Yields the bytes, each chunk good until the next. Throws `host_write_failed` after the last one
 * when they are not those whose SHA-256 the content promises, so that nothing else is ever renamed
 * into place.
 */
export async function* readContent(
  content: Exclude<Content, { kind: 'host' }>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  for await (const chunk of content.kind === 'bytes' ? [content.bytes] : readSource(content.path)) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hash.digest('hex');
  if (found === content.sha256) return;
  const name = content.kind === 'file' ? content.path : 'in memory';
  throw new AgentError(
    'host_write_failed',
    `file to install ${name}: expected SHA-256 ${content.sha256}, found ${found}: it changed while it was copied`,
  );
}

async function* readSource(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    const file = await open(path);
    try {
      yield* readChunks(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new AgentError(
      'host_write_failed',
      `file to install ${path}: expected a readable file: ${String(cause)}`,
      { cause },
    );
  }
}
