// Node's program as the nodes of a cluster have it: written by whoever unpacks an image.
import { open } from 'node:fs/promises';
import { NODE, AGENT_BINDS } from '../../test/support/node-agent.ts';

/**
 * containerd unpacks by pieces of this size (archive/tar.go). In what pieces a file was written decides
 * in what pieces the kernel maps it: of one that was read from a disk in large pieces, a process
 * has 10 MB resident that it never looked at.
 */
const PIECE_BYTES = 32 * 1024;

/** What to bind for an agent, with Node as a copy at `path`, which is made. */
export async function bindsOfUnpackedNode(path: string): Promise<Readonly<Record<string, string>>> {
  const binds = Object.entries(AGENT_BINDS).map(
    async ([source, target]): Promise<[string, string]> =>
      target === NODE ? [await unpack(source, path), target] : [source, target],
  );
  return Object.fromEntries(await Promise.all(binds));
}

async function unpack(source: string, path: string): Promise<string> {
  await using from = await open(source);
  await using to = await open(path, 'wx', 0o755);
  const piece = Buffer.alloc(PIECE_BYTES);
  for (;;) {
    const { bytesRead } = await from.read(piece);
    if (bytesRead === 0) return path;
    await to.write(piece, 0, bytesRead);
  }
}
