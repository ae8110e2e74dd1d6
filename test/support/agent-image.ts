// The agent's image: built as hack/image/build builds it, and pushed to a registry on a test node.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { PushedImage, Registry } from './node-images.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BUILD = join(ROOT, 'hack/image/build');
/** Base images, programs, packages and compiling, on a machine that does other things as well. */
export const BUILD_TIMEOUT_MS = 900_000;

/** Where a test node has the archive: `dist` is bound there, see `AGENT_BINDS`. */
const IN_NODE = '/usr/local/lib/nodeseal/image.tar';

/** Of which image, as Debian and OCI call it. */
export type Architecture = 'amd64' | 'arm64';
export const OWN_ARCHITECTURE: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

export interface ImageBuild {
  /** Default: this machine's. */
  readonly architecture?: Architecture;
  /** Below `dist`. Default: `image.tar`. */
  readonly file?: string;
  /** What the script takes, such as `REVISION`. Default: what the repository says. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Builds the image, unless that of the same sources is there. Returns where the archive is. */
export async function buildAgentImage({
  architecture = OWN_ARCHITECTURE,
  file = 'image.tar',
  environment = {},
}: ImageBuild = {}): Promise<string> {
  const path = join(ROOT, 'dist', file);
  await promisify(execFile)(BUILD, ['--architecture', architecture, '--reuse', path], {
    timeout: BUILD_TIMEOUT_MS,
    env: { ...process.env, ...environment },
  });
  return path;
}

/** The version that the image is to have. */
export async function agentVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  return (manifest as { version: string }).version;
}

// Arguments: the archive, the reference. Prints the digest.
const PUSH = `
  work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
  tar -C "$work" -xf "$1"
  crane push "$work" "$2" >/dev/null
  crane digest "$2"`;

/** Pushes the built image. */
export async function pushAgentImage(registry: Registry): Promise<PushedImage> {
  const repository = `${registry.host}/nodeseal`;
  const tagged = `${repository}:${await agentVersion()}`;
  const printed = await registry.node.output(['sh', '-euc', PUSH, 'push', IN_NODE, tagged]);
  const digest = printed.trim();
  return { tagged, pinned: `${repository}@${digest}`, repository, digest };
}
