// What the kubelet that runs on this node was told about credential provider plugins, found in the host's /proc.

/** Reads the host's files: null stands for what is not there. */
export interface ProcReader {
  read(path: string, maxBytes: number): Promise<Uint8Array | null>;
  list(path: string): Promise<readonly string[] | null>;
}

/** Paths of the host. */
export interface KubeletProviders {
  readonly configFile: string;
  readonly binDir: string;
}

/** k3s has kubelet inside itself, and hides its command line; its own default, which RKE2 shares, is used if it is there. */
const RANCHER: KubeletProviders = {
  configFile: '/var/lib/rancher/credentialprovider/config.yaml',
  binDir: '/var/lib/rancher/credentialprovider/bin',
};

/** No kubelet is started with as much. */
const MAX_PROC_BYTES = 64 * 1024;

/**
 * Where kubelet has its credential provider plugins; null where no kubelet runs, where it is told of
 * none or only of one of the two, and where /proc does not tell.
 */
export async function findKubeletProviders(host: ProcReader): Promise<KubeletProviders | null> {
  const names = await host.list('/proc').catch(() => null);
  for (const name of names ?? []) {
    if (!/^\d+$/.test(name) || !(await isKubelet(host, name))) continue;
    const commandLine = await readText(host, `/proc/${name}/cmdline`);
    const providers = parseKubeletFlags(commandLine.split('\0'));
    if (providers !== null) return providers;
  }
  const isThere = (await host.read(RANCHER.configFile, 0).catch(() => null)) !== null;
  return isThere ? RANCHER : null;
}

/**
 * A process in a pod can call itself kubelet and choose its command line: attacker-controlled, and its
 * plugins are programs that we run. So it has to be root's, in no deeper PID namespace than the /proc
 * that shows it, and in none of kubelet's cgroups, where pods stay that share the host's namespaces.
 */
async function isKubelet(host: ProcReader, pid: string): Promise<boolean> {
  const status = await readText(host, `/proc/${pid}/status`);
  if (!/^Name:\tkubelet$/m.test(status) || !/^Uid:\t0\t0\t/m.test(status)) return false;
  // Absent where the kernel has no PID namespaces.
  if (/^NSpid:\t\d+\t/m.test(status)) return false;
  return !/\bkubepods\b/.test(await readText(host, `/proc/${pid}/cgroup`));
}

/** '' for what is gone, or cannot be read: processes end while one looks. */
async function readText(host: ProcReader, path: string): Promise<string> {
  const bytes = await host.read(path, MAX_PROC_BYTES).catch(() => null);
  return bytes === null ? '' : Buffer.from(bytes).toString('utf8');
}

const CONFIG_FLAG = 'image-credential-provider-config';
const BIN_DIR_FLAG = 'image-credential-provider-bin-dir';

/** Reads the two flags, of which the last counts; null unless both name an absolute path. */
export function parseKubeletFlags(commandLine: readonly string[]): KubeletProviders | null {
  const found = new Map<string, string>();
  commandLine.forEach((argument, index) => {
    const { name = '', value } =
      /^--?(?<name>[^-=][^=]*)(?:=(?<value>.*))?$/s.exec(argument)?.groups ?? {};
    if (name === CONFIG_FLAG || name === BIN_DIR_FLAG) {
      found.set(name, value ?? commandLine[index + 1] ?? '');
    }
  });
  const [configFile = '', binDir = ''] = [found.get(CONFIG_FLAG), found.get(BIN_DIR_FLAG)];
  if (!configFile.startsWith('/') || !binDir.startsWith('/')) return null;
  return { configFile, binDir: binDir.replace(/(?<=.)\/+$/, '') };
}
