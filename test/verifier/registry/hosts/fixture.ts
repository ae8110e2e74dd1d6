// A certs.d in memory, for the tests of hosts.
import type { HostFiles } from '../../../../agent/verifier/registry/hosts/host-files.ts';

/** The directory that the files of `certsD` are below. */
export const CERTS_D = '/etc/containerd/certs.d';

/** What stands for containerd's configuration: files by their path below `CERTS_D`. May be changed. */
export function certsD(files: Record<string, string>) {
  const place = (path: string) => path.slice(CERTS_D.length + 1);
  const reader: HostFiles = {
    read: (path) => Promise.resolve(bytesOf(files[place(path)])),
    list: (path) => {
      const prefix = `${place(path)}/`;
      const names = Object.keys(files).filter((name) => name.startsWith(prefix));
      return Promise.resolve(
        names.length === 0 ? null : names.map((name) => name.slice(prefix.length)),
      );
    },
  };
  return { files: reader, roots: () => [CERTS_D] };
}

function bytesOf(text: string | undefined): Uint8Array | null {
  return text === undefined ? null : Buffer.from(text);
}
