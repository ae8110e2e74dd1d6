// One host of a hosts.toml, from the values of its table: containerd's docs/hosts.md, "hosts.toml Content Description".
import { posix } from 'node:path';
import { AgentError } from '../../../errors.ts';
import { parseGoDuration } from '../../../go-duration.ts';
import { isJsonObject, type JsonObject } from '../../../oci/json-object.ts';
import { show } from '../../../oci/show.ts';

export const CAPABILITIES = ['pull', 'resolve', 'push', 'referrers'] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** Paths of a client certificate and of its key, which may be in the same file. */
export interface ClientPair {
  readonly certificate: string;
  readonly key: string;
}

/** What a table says. Paths are absolute. */
export interface HostTable {
  /** Ends in a slash. Null where it is that of the registry itself. */
  readonly root: URL | null;
  readonly capabilities: ReadonlySet<Capability>;
  readonly caFiles: readonly string[];
  readonly clientPairs: readonly ClientPair[];
  readonly skipVerify: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly dialTimeoutMs: number | undefined;
}

/** Where a table stands: messages name it, and paths are relative to its directory. */
export interface TablePlace {
  readonly what: string;
  readonly directory: string;
}

/** RFC 9110 "Field Names", and what may be in a field's value. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]{1,256}$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]{0,8192}$/;

/** Those that say where a message ends and whom it is for are not for a file to set. */
const OWN_HEADERS = /^(?:host|connection|content-length|transfer-encoding|te|trailer|upgrade)$/i;

/** Throws `registry_hosts_invalid` for what containerd would not take either. */
export function parseHostTable(server: string, table: JsonObject, place: TablePlace): HostTable {
  const { what } = place;
  const seconds = optional(table['dial_timeout'], 'dial_timeout', isText, 'a string', what);
  const dialTimeoutMs = seconds === undefined ? undefined : parseGoDuration(seconds);
  if (dialTimeoutMs === null) throw invalid(what, 'dial_timeout', 'a duration', seconds);
  const override = optional(table['override_path'], 'override_path', isFlag, 'a flag', what);
  const skipVerify = optional(table['skip_verify'], 'skip_verify', isFlag, 'a flag', what);
  return {
    root: server === '' ? null : parseRoot(server, override === true, what),
    capabilities: parseCapabilities(table['capabilities'], what),
    caFiles: parseCa(table['ca'], place),
    clientPairs: parseClient(table['client'], place),
    skipVerify: skipVerify === true,
    headers: parseHeaders(table['header'], what),
    dialTimeoutMs,
  };
}

function parseRoot(server: string, isWhole: boolean, what: string): URL {
  const text = server.includes('://') ? server : `https://${server}`;
  const url = /^https?:\/\/[^/]/.test(text) ? URL.parse(text) : null;
  // URL calls the path of `https://mirror` and of `https://mirror/` the same.
  if (url === null) {
    throw invalid(what, 'server', 'an http or https URL', server);
  }
  const path = posix.normalize(url.pathname).replace(/\/+$/, '');
  const root = new URL(url.origin);
  root.pathname = `${path}${isWhole || path.endsWith('/v2') ? '' : '/v2'}/`;
  return root;
}

function parseCapabilities(value: unknown, what: string): ReadonlySet<Capability> {
  const named = optional(value, 'capabilities', isTexts, 'an array of strings', what) ?? [];
  const parsed = named.map((name) => {
    const known = CAPABILITIES.find((one) => one === name.toLowerCase());
    if (known === undefined) {
      throw invalid(what, 'capabilities', CAPABILITIES.join(', '), name);
    }
    return known;
  });
  return new Set(parsed.length === 0 ? CAPABILITIES : parsed);
}

function parseCa(value: unknown, { what, directory }: TablePlace): readonly string[] {
  if (value === undefined) return [];
  const paths = isText(value) ? [value] : value;
  if (!isTexts(paths)) throw invalid(what, 'ca', 'a path or an array of paths', value);
  return paths.map((path) => posix.resolve(directory, path));
}

function parseClient(value: unknown, { what, directory }: TablePlace): readonly ClientPair[] {
  if (value === undefined) return [];
  const entries: unknown = isText(value) ? [value] : value;
  const expected = 'a path, an array of paths or an array of pairs of paths';
  if (!Array.isArray(entries)) throw invalid(what, 'client', expected, value);
  return entries.map((entry: unknown) => {
    const pair = isText(entry) ? [entry, ''] : entry;
    if (!isTexts(pair) || pair.length !== 2) throw invalid(what, 'client', expected, entry);
    const [certificate = '', key = ''] = pair;
    const at = (path: string) => posix.resolve(directory, path);
    return { certificate: at(certificate), key: at(key === '' ? certificate : key) };
  });
}

function parseHeaders(value: unknown, what: string): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (!isJsonObject(value)) throw invalid(what, 'header', 'a table', value);
  const headers = new Map<string, string>();
  for (const [name, given] of Object.entries(value)) {
    const values = isText(given) ? [given] : given;
    // What is in a header may be a secret: never shown.
    const isGood = isTexts(values) && values.every((one) => HEADER_VALUE.test(one));
    if (!isGood || !HEADER_NAME.test(name)) {
      throw new AgentError(
        'registry_hosts_invalid',
        `${what}: header ${show(name)}: expected a name of HTTP with a string or an array of strings`,
      );
    }
    if (!OWN_HEADERS.test(name)) headers.set(name.toLowerCase(), values.join(', '));
  }
  return Object.fromEntries(headers);
}

function optional<T>(
  value: unknown,
  key: string,
  is: (value: unknown) => value is T,
  expected: string,
  what: string,
): T | undefined {
  if (value === undefined || is(value)) return value;
  throw invalid(what, key, expected, value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function invalid(what: string, key: string, expected: string, found: unknown): AgentError {
  const fault = `${key}: expected ${expected}, found ${show(found)}`;
  return new AgentError('registry_hosts_invalid', `${what}: ${fault}`);
}
