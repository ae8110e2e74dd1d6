// Installs or uninstalls as a process of its own that kills itself (SIGKILL) at one of its file operations.
import { type HostFs, NODE_HOST_FS } from '../../agent/node/host/host-fs.ts';
import { createLayout } from '../../agent/node/host/layout.ts';
import {
  installOnHost,
  type InstallRequest,
  uninstallFromHost,
} from '../../agent/node/host/install.ts';

/** What it is told on standard input, as JSON. */
export interface KilledRun {
  /** From 1; with more than there are, it ends by itself. */
  readonly killAt: number;
  readonly hostRoot: string;
  /** Default: containerd's. */
  readonly binDirs?: readonly string[];
  /** Absent: uninstalls. Texts stand for bytes. */
  readonly install?: Pick<InstallRequest, 'verifierPath' | 'settings'> & {
    readonly policy: string;
    readonly trust: Readonly<Record<string, string>>;
  };
}

/** The request that a run makes; also for who runs it to its end. */
export function requestOf({ hostRoot, install, binDirs }: KilledRun, fs: HostFs = NODE_HOST_FS) {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const { policy = '', trust = {}, verifierPath = '', settings = {} } = install ?? {};
  const trustFiles = Object.entries(trust).map(([path, text]) => ({
    path,
    bytes: Buffer.from(text),
  }));
  const policyBytes = Buffer.from(policy);
  const layout = createLayout(...(binDirs ?? []));
  return { ...{ hostRoot, layout, verifierPath, settings, policyBytes, trustFiles }, owner, fs };
}

if (import.meta.main) {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const run = JSON.parse(Buffer.concat(chunks).toString()) as KilledRun;
  const fs = killingAt(run.killAt);
  if (run.install === undefined) await uninstallFromHost({ hostRoot: run.hostRoot, fs });
  else await installOnHost(requestOf(run, fs));
}

/**
 * Every operation that changes something is one to be killed before, and a file being written one to
 * be killed in. Whoever is killed before one that only syncs is killed after the change before it.
 */
function killingAt(killAt: number): HostFs {
  let count = 0;
  const step = (): boolean => {
    count += 1;
    return count === killAt;
  };
  const run = (action: () => Promise<void>): Promise<void> => {
    if (step()) die();
    return action();
  };
  const fs = NODE_HOST_FS;
  return {
    ...fs,
    mkdir: (...args) => run(() => fs.mkdir(...args)),
    create: (path, bytes, attributes) =>
      run(() => fs.create(path, step() ? dyingHalfway(bytes) : bytes, attributes)),
    setAttributes: (...args) => run(() => fs.setAttributes(...args)),
    rename: (...args) => run(() => fs.rename(...args)),
    unlink: (...args) => run(() => fs.unlink(...args)),
    rmdir: (...args) => run(() => fs.rmdir(...args)),
  };
}

async function* dyingHalfway(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    yield chunk.subarray(0, Math.ceil(chunk.length / 2));
    die();
  }
}

/** The signal is delivered before the system call returns. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
