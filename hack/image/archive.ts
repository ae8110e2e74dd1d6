// Reads an OCI archive of one image: its configuration, and what each layer brings.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MAX_LIST_BYTES = 64 * 1024 * 1024;

/** A file of a layer. */
export interface LayerFile {
  /** Without a leading slash. */
  readonly path: string;
  /** As ls(1) shows type and mode. */
  readonly mode: string;
  /** Such as `0/0`. */
  readonly owner: string;
  readonly bytes: number;
  readonly time: string;
}

export interface Layer {
  /** As registries keep it. */
  readonly compressedBytes: number;
  readonly files: readonly LayerFile[];
}

export interface Archive {
  readonly digest: string;
  readonly architecture: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the container: `Entrypoint`, `User` and others. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The base's first; the last is what was added to it. */
  readonly layers: readonly Layer[];
}

interface Descriptor {
  readonly digest: string;
}

/** Reads all of it. Rejects when it is no archive of one image. */
export async function readArchive(file: string): Promise<Archive> {
  return unpacked(file, async ({ digest, image, layers }) => ({
    digest,
    architecture: image.architecture,
    labels: image.config.Labels ?? {},
    config: image.config,
    layers: await Promise.all(layers.map(readLayer)),
  }));
}

/** A package of Debian that is in the image. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

const RECORDS = 'var/lib/dpkg/status.d';

/** Those that the last layer brings, by the records that it has of them. */
export async function debianPackages(file: string): Promise<readonly DebianPackage[]> {
  return unpacked(file, async ({ layers }) => {
    const args = ['--extract', '--to-stdout', '--gzip', '--file', layers.at(-1) ?? '', RECORDS];
    const { stdout } = await run('tar', args, { maxBuffer: MAX_LIST_BYTES });
    return stdout.split(/^(?=Package: )/m).map((record) => {
      const field = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(record)?.[1] ?? '';
      return {
        name: field('Package'),
        version: field('Version'),
        architecture: field('Architecture'),
      };
    });
  });
}

/** Unpacks all layers, one over the other, into a directory that is there; nothing of the image is run. */
export async function unpackRoot(file: string, directory: string): Promise<void> {
  await unpacked(file, async ({ layers }) => {
    for (const layer of layers) {
      await run('tar', ['--extract', '--gzip', '--file', layer, '--directory', directory]);
    }
  });
}

interface Unpacked {
  readonly digest: string;
  readonly image: ImageConfig;
  /** Their files. */
  readonly layers: readonly string[];
}

async function unpacked<T>(file: string, read: (parts: Unpacked) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'nodeseal-image-'));
  const blob = ({ digest }: Descriptor) => join(directory, 'blobs', digest.replace(':', '/'));
  try {
    await run('tar', ['--extract', '--file', file, '--directory', directory]);
    const index = await readJson<{ manifests: [Descriptor] }>(join(directory, 'index.json'));
    const [manifest] = index.manifests;
    const { config, layers } = await readJson<{ config: Descriptor; layers: Descriptor[] }>(
      blob(manifest),
    );
    const image = await readJson<ImageConfig>(blob(config));
    return await read({ digest: manifest.digest, image, layers: layers.map(blob) });
  } finally {
    await rm(directory, { recursive: true });
  }
}

interface ImageConfig {
  readonly architecture: string;
  readonly config: Readonly<Record<string, unknown>> & {
    readonly Labels?: Readonly<Record<string, string>>;
  };
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}

async function readLayer(path: string): Promise<Layer> {
  const args = ['--list', '--verbose', '--numeric-owner', '--full-time', '--gzip', '--file', path];
  const options = { maxBuffer: MAX_LIST_BYTES, env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' } };
  const { stdout } = await run('tar', args, options);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { compressedBytes: (await stat(path)).size, files: lines.map(parseLine) };
}

function parseLine(line: string): LayerFile {
  const [, mode = '', owner = '', bytes = '', time = '', path = ''] =
    /^(\S+) (\S+) +(\d+) (\S+ \S+) (.+?)(?: -> .*| link to .*)?$/.exec(line) ?? [];
  if (path === '') throw new Error(`tar: expected a file, found ${line}`);
  return { path, mode, owner, bytes: Number(bytes), time };
}

/** What of the image each file that nodeseal adds is part of, by its path; the first that fits. */
const PARTS: readonly (readonly [string, RegExp])[] = [
  ['pull verifier', /^usr\/lib\/nodeseal\/nodeseal-verifier$/],
  ['agent', /^usr\/lib\/nodeseal\//],
  ['journalctl and its libraries', /^usr\/(?:bin\/journalctl|lib\/[^/]+-linux-gnu\/.+)$/],
  ['other programs', /^usr\/s?bin\//],
  ['licences and records of packages', /^(?:usr\/share\/doc|var\/lib\/dpkg)\//],
];

/** Bytes by part of what the last layer adds to the base. Throws for a file that is of no part. */
export function addedBytes({ layers }: Archive): ReadonlyMap<string, number> {
  const sums = new Map<string, number>(PARTS.map(([part]) => [part, 0]));
  for (const { path, bytes } of layers.at(-1)?.files ?? []) {
    if (bytes === 0) continue;
    const [part] = PARTS.find(([, pattern]) => pattern.test(path)) ?? [];
    if (part === undefined) throw new Error(`${path}: expected a part of the image, found none`);
    sums.set(part, (sums.get(part) ?? 0) + bytes);
  }
  return sums;
}
