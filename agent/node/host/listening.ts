// Whether somebody serves a socket on the host.
import { connect } from 'node:net';
import { errnoOf, hostError } from './host-error.ts';
import { type HostFs, NODE_HOST_FS } from './host-fs.ts';
import { locate } from './locate.ts';

/** Nothing is there; nobody accepts what a killed process left; it is no socket. */
const NOBODY: ReadonlySet<string | null> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK']);

/**
 * Tells whether a process accepts connections at the host's `path`. Throws `host_write_failed` when
 * that cannot be told.
 */
export async function isListening(
  hostRoot: string,
  path: string,
  fs: HostFs = NODE_HOST_FS,
): Promise<boolean> {
  const socket = connect(await locate(fs, hostRoot, path));
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  socket.once('connect', () => {
    resolve(true);
  });
  socket.once('error', (error) => {
    if (NOBODY.has(errnoOf(error))) resolve(false);
    else reject(hostError('ask who listens', path, error));
  });
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
