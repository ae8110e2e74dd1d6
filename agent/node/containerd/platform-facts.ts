// Reads what platforms are told by: os-release(5) and the paths that only they have.
import type { HostReader } from './host-reader.ts';
import { PLATFORM_MARKERS, type PlatformFacts } from './platform.ts';

/** Real ones have 500 bytes. */
const MAX_OS_RELEASE_BYTES = 64 * 1024;

/** As os-release(5) orders them. */
const OS_RELEASE_PATHS = ['/etc/os-release', '/usr/lib/os-release'];

/** Reads the facts. What cannot be read is taken for absent: a platform only explains, it decides nothing. */
export async function readPlatformFacts(
  host: HostReader,
  configPath: string,
): Promise<PlatformFacts> {
  const markers = new Set<string>();
  for (const path of PLATFORM_MARKERS) {
    if ((await host.stat(path).catch(() => null)) !== null) markers.add(path);
  }
  return { osRelease: await readOsRelease(host), markers, configPath };
}

async function readOsRelease(host: HostReader): Promise<ReadonlyMap<string, string>> {
  for (const path of OS_RELEASE_PATHS) {
    const bytes = await host.read(path, MAX_OS_RELEASE_BYTES).catch(() => null);
    if (bytes !== null) return parseOsRelease(Buffer.from(bytes).toString('utf8'));
  }
  return new Map();
}

/** Lines `NAME=value`, the value plain or quoted; an escaped character in a name that we look at is unheard of. */
export function parseOsRelease(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trim()) ?? [];
    if (name === undefined || value === undefined) continue;
    values.set(name, value.replace(/^(["'])(.*)\1$/, '$2'));
  }
  return values;
}
