// The packages of npm that are in what we ship: those of the lock file that are not there to build and test.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = dirname(dirname(import.meta.dirname));
/** What a package's own terms are called. */
const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-]|$)/i;

/** A package that is in the bundle, or that the bundle runs on. */
export interface ShippedPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly licence: string;
  /** The terms as the package brings them; empty where it brings none. */
  readonly text: string;
}

/** The verifier's runtime is in it whole; to npm it is a tool to build with. */
const RUNTIMES = ['bun'];

/**
 * All of them by name, as they are installed. Throws for one that does not say its licence, or is not
 * installed as the lock file says.
 */
export function shippedPackages(): readonly ShippedPackage[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<
      Record<string, { readonly dev?: boolean; readonly version: string }>
    >;
  };
  const isRuntime = (path: string) => RUNTIMES.some((name) => path === `node_modules/${name}`);
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && (dev !== true || isRuntime(path)))
    .map(([path, { version }]) => readPackage(path, version))
    .sort((a, b) => compare(`${a.name} ${a.version}`, `${b.name} ${b.version}`));
}

function readPackage(path: string, version: string): ShippedPackage {
  const directory = join(ROOT, path);
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly license?: unknown;
  };
  const { name, license } = manifest;
  if (manifest.version !== version) {
    throw new Error(`${path}: expected version ${version}, found ${manifest.version}`);
  }
  if (typeof license !== 'string') throw new Error(`${path}: expected a licence, found none`);
  const files = readdirSync(directory).filter((file) => LICENCE_FILE.test(file));
  const text = files
    .sort(compare)
    .map((file) => readFileSync(join(directory, file), 'utf8').trim());
  return { name, version, licence: license, text: text.join('\n\n') };
}

/** The same everywhere, whatever the language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
