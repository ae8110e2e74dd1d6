// The hosts of one registry, from the directory that is for it: hosts.toml, or certificates in Docker's layout.
import { AgentError } from '../../../errors.ts';
import { hashHex } from '../../../notation/encoding/crypto.ts';
import { endpointOf, isLoopback, type PlainHttp } from '../endpoint.ts';
import type { HostConnection } from './connection.ts';
import { hostDirectories } from './host-directories.ts';
import type { HostFiles } from './host-files.ts';
import type { ClientPair, HostTable } from './host-table.ts';
import type { RegistryHost } from './registry-host.ts';

/** Where hosts are described, and what holds where they are not. */
export interface HostsPlace {
  readonly files: HostFiles;
  /** Directories, of which the first that has something for the registry decides. */
  readonly roots: () => readonly string[];
  readonly plainHttp?: PlainHttp | undefined;
}

/** What was found. */
export interface LoadedHosts {
  /** Mirrors in order, and last what serves the registry. */
  readonly hosts: readonly RegistryHost[];
  /** Why a hosts.toml was passed over, as containerd passes over it. */
  readonly fault: AgentError | undefined;
}

/** An operating system's whole bundle is a quarter of it. */
const MAX_PEM_BYTES = 1024 * 1024;

/** More certificates than any host has. */
const MAX_FILES = 64;

const NOTHING_SAID = {
  root: null,
  capabilities: new Set(['pull', 'resolve'] as const),
  ...{ caFiles: [], clientPairs: [], headers: {} },
  ...{ skipVerify: false, dialTimeoutMs: undefined },
} satisfies HostTable;

/**
 * Reads anew what is there. A hosts.toml that is no such file is as if it were not there, and is
 * told; a certificate that cannot be used throws `registry_hosts_invalid`, as containerd then pulls
 * nothing either. Throws `reference_invalid` for a registry that is no host.
 */
export async function loadHosts(place: HostsPlace, registry: string): Promise<LoadedHosts> {
  const found = await findDirectory(place, registry);
  const { tables, fault, isOwn } = found ?? NO_DIRECTORY;
  const hosts: RegistryHost[] = [];
  for (const table of tables) hosts.push(await hostOf(place, registry, table, isOwn));
  return { hosts, fault };
}

interface Content {
  readonly tables: readonly HostTable[];
  readonly fault: AgentError | undefined;
}

interface Directory extends Content {
  /** It is for this registry, and not for every one. */
  readonly isOwn: boolean;
}

const NO_DIRECTORY: Directory = { tables: [NOTHING_SAID], fault: undefined, isOwn: false };

async function findDirectory(
  { files, roots }: HostsPlace,
  registry: string,
): Promise<Directory | undefined> {
  for (const directory of roots().flatMap((root) => hostDirectories(root, registry))) {
    const names = await reading(directory, () => files.list(directory));
    if (names === null) continue;
    const isOwn = !directory.endsWith('/_default');
    return { ...(await readDirectory(files, directory, names)), isOwn };
  }
  return undefined;
}

async function readDirectory(
  files: HostFiles,
  directory: string,
  names: readonly string[],
): Promise<Content> {
  if (!names.includes('hosts.toml')) {
    return { tables: [dockerLayout(directory, names)], fault: undefined };
  }
  // Loaded here: most nodes have none, and one that is asked for a single image loads little.
  const { MAX_HOSTS_FILE_BYTES, parseHostsFile } = await import('./hosts-file.ts');
  const path = `${directory}/hosts.toml`;
  const bytes = (await reading(path, () => files.read(path, MAX_HOSTS_FILE_BYTES))) ?? [];
  if (bytes.length === 0) return { tables: [dockerLayout(directory, names)], fault: undefined };
  try {
    return { tables: parseHostsFile(Uint8Array.from(bytes), directory), fault: undefined };
  } catch (fault) {
    if (!(fault instanceof AgentError)) throw fault;
    return { tables: [dockerLayout(directory, names)], fault };
  }
}

/** `*.crt` are authorities; `*.cert` with a `*.key` beside it, or in it, is shown to the registry. */
function dockerLayout(directory: string, names: readonly string[]): HostTable {
  const at = (name: string) => `${directory}/${name}`;
  const sorted = [...names].sort().slice(0, MAX_FILES);
  const pair = (name: string): ClientPair => {
    const key = name.replace(/\.cert$/, '.key');
    return { certificate: at(name), key: at(names.includes(key) ? key : name) };
  };
  return {
    ...NOTHING_SAID,
    caFiles: sorted.filter((name) => name.endsWith('.crt')).map(at),
    clientPairs: sorted.filter((name) => name.endsWith('.cert')).map(pair),
  };
}

async function hostOf(
  { files, plainHttp }: HostsPlace,
  registry: string,
  table: HostTable,
  isOwn: boolean,
): Promise<RegistryHost> {
  const connection = await connectionOf(files, table);
  // A loopback registry that TLS is set up for speaks it; what holds for all says nothing of it.
  const byDefault = isLoopback(registry) && !(isOwn && hasTls(table));
  const own = new URL(
    'v2/',
    endpointOf(registry, (name) => plainHttp?.(name) ?? byDefault),
  );
  const { root, capabilities, headers } = table;
  return {
    root: root ?? own,
    // Only of the registry itself nothing else can be said.
    canResolve: root === null || (capabilities.has('resolve') && capabilities.has('pull')),
    canPull: root === null || capabilities.has('pull'),
    isMirror: root !== null && root.host !== own.host && root.host !== registry,
    ...{ headers, connection },
  };
}

function hasTls({ caFiles, clientPairs, skipVerify }: HostTable): boolean {
  return caFiles.length > 0 || clientPairs.length > 0 || skipVerify;
}

async function connectionOf(
  files: HostFiles,
  table: HostTable,
): Promise<HostConnection | undefined> {
  const { caFiles, clientPairs, skipVerify, dialTimeoutMs } = table;
  if (!hasTls(table) && dialTimeoutMs === undefined) return undefined;
  const ca: string[] = [];
  for (const path of caFiles) ca.push(await readCertificates(files, path));
  const clientCertificates = [];
  for (const pair of clientPairs) {
    const certificate = await readCertificates(files, pair.certificate);
    clientCertificates.push({ certificate, key: await readText(files, pair.key) });
  }
  const said = { ca: ca.join('\n'), clientCertificates, skipVerify, dialTimeoutMs };
  const id = hashHex('sha256', Buffer.from(JSON.stringify(said)));
  return { id, ...said };
}

/** Whatever else is in the file, such as a key, is handed on with it. */
async function readCertificates(files: HostFiles, path: string): Promise<string> {
  const text = await readText(files, path);
  // The runtime takes any text at all for a bundle.
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw invalid(path, 'expected a certificate in PEM, found none');
}

async function readText(files: HostFiles, path: string): Promise<string> {
  const bytes = await reading(path, () => files.read(path, MAX_PEM_BYTES));
  if (bytes === null) throw invalid(path, 'expected a PEM file, found none');
  if (bytes.length > MAX_PEM_BYTES) {
    throw invalid(path, `expected at most ${MAX_PEM_BYTES} bytes, found more`);
  }
  return Buffer.from(bytes).toString('utf8');
}

async function reading<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalid(path, `could not be read: ${reason}`, cause);
  }
}

function invalid(path: string, fault: string, cause?: unknown): AgentError {
  return new AgentError('registry_hosts_invalid', `${path}: ${fault}`, { cause });
}
