// The containerd process that serves a socket, found in the host's /proc.
import { dirname, isAbsolute, join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { DEFAULT_SOCKET_PATH } from './client.ts';
import { DEFAULT_CONFIG_PATH, parseCommandLine } from './command-line.ts';
import type { HostReader } from './host-reader.ts';

/** A running containerd. Paths are of the host. */
export interface ContainerdProcess {
  readonly pid: number;
  readonly commandLine: readonly string[];
  /** The program that runs. */
  readonly executable: string;
  /** Known to have been removed or replaced on the disk since it started, as an upgrade without a restart does. */
  readonly isReplaced: boolean;
  readonly configPath: string;
  /** Too early by a few hundredths of a second at most; where the host has no /proc/uptime, by a second. */
  readonly startedAt: Date;
}

/** The kernel's own bound on what it shows of one argument vector is larger; no containerd has more. */
const MAX_PROC_BYTES = 64 * 1024;

/** What Linux shows clock ticks in, on every architecture that we run on. */
const TICKS_PER_SECOND = 100;

/**
 * Finds the containerd that listens on `socketPath`: the one that says so on its command line, else
 * the main process of its unit if systemd tells one, else the one that names neither socket nor
 * configuration, else the only one. (The main process of k3s is k3s; Docker has a containerd of its
 * own.) Throws `containerd_missing` when none or several remain, and `containerd_config_unreadable`
 * when /proc cannot be read.
 */
export async function findContainerd(
  host: HostReader,
  socketPath: string,
  mainPid: number | null = null,
): Promise<ContainerdProcess> {
  const candidates = await listCandidates(host);
  const chosen = choose(candidates, socketPath, mainPid);
  if (chosen === null) throw missing(candidates, socketPath);
  return describe(host, chosen);
}

interface Candidate {
  readonly pid: number;
  readonly commandLine: readonly string[];
}

async function listCandidates(host: HostReader): Promise<readonly Candidate[]> {
  const names = await host.list('/proc').catch((cause: unknown) => {
    throw unreadable('/proc', cause);
  });
  const found: Candidate[] = [];
  for (const name of names ?? []) {
    if (!/^\d+$/.test(name) || !(await isContainerdOfHost(host, name))) continue;
    const commandLine = (await readText(host, `/proc/${name}/cmdline`))?.split('\0').slice(0, -1);
    if (commandLine === undefined || commandLine.length === 0) continue;
    if (parseCommandLine(commandLine).isSubcommand) continue;
    found.push({ pid: Number(name), commandLine });
  }
  return found;
}

/**
 * A process in a pod can call itself containerd and choose its command line: attacker-controlled,
 * and we are about to run its program. So it has to be root's, in no deeper PID namespace than the
 * /proc that shows it, and in none of kubelet's cgroups, where pods stay that share the host's
 * namespaces.
 */
async function isContainerdOfHost(host: HostReader, pid: string): Promise<boolean> {
  const status = await readText(host, `/proc/${pid}/status`);
  if (status === null || !/^Name:\tcontainerd$/m.test(status)) return false;
  const isRoots = /^Uid:\t0\t0\t/m.test(status);
  // Absent where the kernel has no PID namespaces.
  const isDeeper = /^NSpid:\t\d+\t/m.test(status);
  const cgroup = (await readText(host, `/proc/${pid}/cgroup`)) ?? '';
  return isRoots && !isDeeper && !/\bkubepods\b/.test(cgroup);
}

function choose(
  candidates: readonly Candidate[],
  socketPath: string,
  mainPid: number | null,
): Candidate | null {
  const preferences: ((candidate: Candidate) => boolean)[] = [
    ({ commandLine }) => parseCommandLine(commandLine).address === socketPath,
    ({ pid }) => pid === mainPid,
    ({ commandLine }) => {
      const { address, configPath } = parseCommandLine(commandLine);
      return address === null && configPath === null && socketPath === DEFAULT_SOCKET_PATH;
    },
    ({ commandLine }) => parseCommandLine(commandLine).address === null,
  ];
  for (const isPreferred of preferences) {
    const [first, second] = candidates.filter(isPreferred);
    if (first !== undefined) return second === undefined ? first : null;
  }
  return null;
}

async function describe(
  host: HostReader,
  { pid, commandLine }: Candidate,
): Promise<ContainerdProcess> {
  const stat = await readText(host, `/proc/${pid}/stat`);
  const kernel = await readText(host, '/proc/stat');
  // Before it is read: a start that is told too early is the safe mistake.
  const nowMs = Date.now();
  const uptime = (await readText(host, '/proc/uptime')) ?? '';
  if (stat === null || kernel === null) {
    throw new AgentError('containerd_missing', `containerd, process ${pid}: it has ended`);
  }
  const link = await readLink(host, `/proc/${pid}/exe`);
  const path = parseCommandLine(commandLine).configPath ?? DEFAULT_CONFIG_PATH;
  return {
    pid,
    commandLine,
    executable: await findExecutable(host, link?.replace(DELETED, '') ?? commandLine[0] ?? ''),
    isReplaced: link !== null && DELETED.test(link),
    configPath: isAbsolute(path)
      ? path
      : join((await readLink(host, `/proc/${pid}/cwd`)) ?? '/', path),
    startedAt: startedAt(stat, kernel, bootedAtMs(uptime, nowMs)),
  };
}

/** How Linux marks what is no longer under its name. */
const DELETED = / \(deleted\)$/;

/** Where containerd is when its process does not say. */
const USUAL_DIRECTORIES = ['/usr/bin', '/usr/local/bin', '/bin'];

/**
 * The program to ask for its configuration: the process's own, by the name `containerd`, because that
 * of k3s is one program with many names, and by any other it is not containerd.
 */
async function findExecutable(host: HostReader, executable: string): Promise<string> {
  const own = isAbsolute(executable) ? [dirname(executable)] : [];
  for (const directory of [...own, ...USUAL_DIRECTORIES]) {
    const path = join(directory, 'containerd');
    if ((await host.stat(path).catch(() => null)) !== null) return path;
  }
  return executable;
}

/** Not too late, though the text leaves out what is less than a hundredth. NaN without such a text. */
function bootedAtMs(uptime: string, nowMs: number): number {
  return nowMs - (Number(/^\d+\.\d+/.exec(uptime)?.[0]) + 0.01) * 1000;
}

/** proc(5): field 22, counted from the boot; the program's name before it may hold spaces and parentheses. */
function startedAt(stat: string, kernel: string, preciseBootMs: number): Date {
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  const bootMs = Number(/^btime (\d+)$/m.exec(kernel)?.[1]) * 1000;
  // The kernel leaves out the fraction. What says otherwise is of another machine: containers may
  // be told a time of their own.
  const isPrecise = Math.abs(preciseBootMs - bootMs) < 2_000;
  return new Date((isPrecise ? preciseBootMs : bootMs) + (ticks / TICKS_PER_SECOND) * 1000);
}

/** Null for what is gone: processes end while one looks. */
async function readText(host: HostReader, path: string): Promise<string | null> {
  try {
    const bytes = await host.read(path, MAX_PROC_BYTES);
    return bytes === null ? null : Buffer.from(bytes).toString('utf8');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Null also where this process may not look: that takes CAP_SYS_PTRACE, and there is another way. */
async function readLink(host: HostReader, path: string): Promise<string | null> {
  return host.readLink(path).catch(() => null);
}

function missing(candidates: readonly Candidate[], socketPath: string): AgentError {
  const pids = candidates.map(({ pid }) => pid).join(', ');
  const found = candidates.length === 0 ? 'none' : `processes ${pids}, none of which says so`;
  const fault = `expected one process called containerd that serves ${socketPath}, found ${found}`;
  return new AgentError('containerd_missing', `the host’s /proc: ${fault}`);
}

function unreadable(path: string, cause: unknown): AgentError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const fault = `host path ${path}: could not be read: ${reason}`;
  return new AgentError('containerd_config_unreadable', fault, { cause });
}
