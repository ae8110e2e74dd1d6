// A file layer that stops working at one of its operations, as that of a process that is killed.
import { type HostFs, NODE_HOST_FS } from '../../agent/node/host/host-fs.ts';

/** A file system of a process that is killed at its `at`th change: a file being written is half written. */
export function killAt(at: number): { fs: HostFs; killed: () => boolean } {
  let count = 0;
  const guard = async <T>(run: () => Promise<T>, halfway?: () => Promise<unknown>): Promise<T> => {
    count += 1;
    if (count === at) await halfway?.();
    if (count >= at) throw Object.assign(new Error('killed'), { code: 'EIO' });
    return run();
  };
  const fs: HostFs = {
    ...NODE_HOST_FS,
    mkdir: (...args) => guard(() => NODE_HOST_FS.mkdir(...args)),
    create: (path, bytes, attributes) =>
      guard(
        () => NODE_HOST_FS.create(path, bytes, attributes),
        () => NODE_HOST_FS.create(path, half(bytes), { ...attributes, mode: 0o600 }),
      ),
    setAttributes: (...args) => guard(() => NODE_HOST_FS.setAttributes(...args)),
    rename: (...args) => guard(() => NODE_HOST_FS.rename(...args)),
    unlink: (...args) => guard(() => NODE_HOST_FS.unlink(...args)),
    rmdir: (...args) => guard(() => NODE_HOST_FS.rmdir(...args)),
    syncDirectory: (...args) => guard(() => NODE_HOST_FS.syncDirectory(...args)),
  };
  return { fs, killed: () => count >= at };
}

async function* half(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    yield chunk.subarray(0, chunk.length / 2);
    return;
  }
}
