// A fake host with a containerd on it: its process in /proc, its files, and a dump that says what they come to.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { EffectiveConfigSources } from '../../agent/node/containerd/effective-config.ts';
import { createContainerdClient, DEFAULT_SOCKET_PATH } from '../../agent/node/containerd/client.ts';
import { createHostReader } from '../../agent/node/host/host-reader.ts';
import { containerdConfig, type ConfigOptions, dumpOf } from './containerd-config.ts';
import type { FakeContainerd } from './fake-containerd.ts';
import { createHostRoot, put } from './host-root.ts';

/** When the machine of `putProcess` started, in seconds since 1970. */
export const BOOT_SECONDS = 1_700_000_000;

export interface FakeProcess {
  /** Default: 100. */
  readonly pid?: number;
  /** What /proc says it is called. Default: containerd. */
  readonly comm?: string;
  readonly commandLine?: readonly string[];
  /** Default: the first of the command line, if it is a path, else /usr/bin/containerd. Null: it may not be read. */
  readonly executable?: string | null;
  readonly workingDirectory?: string;
  /** Default: 0. */
  readonly uid?: number;
  /** Its number in each PID namespace that it is in. Default: `pid` alone. */
  readonly nspid?: readonly number[];
  readonly cgroup?: string;
  /** Default: far in the future, so that no file is newer. */
  readonly startedSeconds?: number;
}

/** Puts a process into a host's /proc. */
export function putProcess(hostRoot: string, process: FakeProcess = {}): void {
  const { pid = 100, comm = 'containerd', commandLine = ['/usr/bin/containerd'] } = process;
  const { uid = 0, nspid = [pid], cgroup = '/system.slice/containerd.service' } = process;
  const { workingDirectory = '/', startedSeconds = BOOT_SECONDS + 3_000_000_000 } = process;
  const first = commandLine[0] ?? '';
  const { executable = first.startsWith('/') ? first : '/usr/bin/containerd' } = process;
  const directory = `/proc/${pid}`;
  const nested = nspid.map((number) => `\t${number}`).join('');
  const status = `Name:\t${comm}\nPid:\t${pid}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nNSpid:${nested}\n`;
  put(hostRoot, `${directory}/status`, status);
  put(hostRoot, `${directory}/cgroup`, `0::${cgroup}\n`);
  put(hostRoot, `${directory}/cmdline`, commandLine.map((word) => `${word}\0`).join(''));
  const ticks = (startedSeconds - BOOT_SECONDS) * 100;
  const before = Array.from({ length: 18 }, () => '1').join(' ');
  put(hostRoot, `${directory}/stat`, `${pid} (a ) b) S ${before} ${ticks} 0 0\n`);
  put(hostRoot, '/proc/stat', `cpu 1 2 3\nbtime ${BOOT_SECONDS}\nprocesses 7\n`);
  if (executable !== null) {
    symlinkSync(executable, join(hostRoot, directory, 'exe'));
    put(hostRoot, executable.replace(/ \(deleted\)$/, ''), '');
  }
  symlinkSync(workingDirectory, join(hostRoot, directory, 'cwd'));
}

export interface FakeHostOptions {
  readonly config?: ConfigOptions;
  readonly configPath?: string;
  readonly process?: FakeProcess;
}

/** A host with one containerd, its configuration file and our verifier in the default place. */
export function createContainerdHost(options: FakeHostOptions = {}): string {
  const { config = {}, configPath = '/etc/containerd/config.toml', process } = options;
  const hostRoot = createHostRoot();
  putProcess(hostRoot, process);
  put(hostRoot, configPath, containerdConfig(config));
  putExecutable(hostRoot, '/opt/containerd/image-verifier/bin/nodeseal-verifier');
  return hostRoot;
}

/** A file that anybody may execute. */
export function putExecutable(hostRoot: string, path: string): void {
  mkdirSync(dirname(join(hostRoot, path)), { recursive: true });
  writeFileSync(join(hostRoot, path), '', { mode: 0o755 });
}

/** What the configuration is read from: the fake host, a fake containerd that tells a version, and a dump of `config`. */
export function sourcesOf(
  hostRoot: string,
  containerd: FakeContainerd,
  { version = '2.1.9', config = {}, socketPath = DEFAULT_SOCKET_PATH } = {},
): EffectiveConfigSources {
  containerd.answer('containerd.services.version.v1.Version', 'Version', () => ({ version }));
  const client = createContainerdClient(containerd.socketPath);
  onTestFinished(() => client.close());
  const dump = () => Promise.resolve(Buffer.from(dumpOf(config)));
  return { client, socketPath, host: createHostReader(hostRoot), dump };
}
