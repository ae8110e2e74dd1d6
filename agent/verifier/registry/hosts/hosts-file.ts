// A hosts.toml: which hosts are asked for a registry's content, in their order.
import { parse } from 'smol-toml';
import { AgentError } from '../../../errors.ts';
import { isJsonObject } from '../../../oci/json-object.ts';
import { cut, show } from '../../../oci/show.ts';
import { type HostTable, parseHostTable } from './host-table.ts';

/** Real ones have less than 2 KiB; headers may hold a token. */
export const MAX_HOSTS_FILE_BYTES = 256 * 1024;

/** Each costs a request, and time where nobody answers. */
const MAX_HOSTS = 16;

/** Deeper than any; the parser recurses. */
const MAX_DEPTH = 8;

/** The parser quotes the place in several lines. */
const MAX_REASON_CHARACTERS = 200;

/**
 * The host tables in the order of the file, and after them the server that the file itself is
 * about. `directory` is that of the file. Throws `registry_hosts_invalid`.
 */
export function parseHostsFile(bytes: Uint8Array, directory: string): readonly HostTable[] {
  const what = `${directory}/hosts.toml`;
  const document = parseDocument(bytes, what);
  const { host: tables = {}, server = '' } = document;
  if (!isJsonObject(tables)) throw invalid(what, `host: expected a table, found ${show(tables)}`);
  if (typeof server !== 'string') {
    throw invalid(what, `server: expected a string, found ${show(server)}`);
  }
  const entries = Object.entries(tables);
  if (entries.length > MAX_HOSTS) {
    throw invalid(what, `expected at most ${MAX_HOSTS} hosts, found ${entries.length}`);
  }
  const hosts = entries.map(([name, table]) => {
    const place = { what: `${what}, host ${show(name)}`, directory };
    if (!isJsonObject(table) || name === '') throw invalid(place.what, 'expected a table of a URL');
    return parseHostTable(name, table, place);
  });
  return [...hosts, parseHostTable(server, document, { what, directory })];
}

function parseDocument(bytes: Uint8Array, what: string): Readonly<Record<string, unknown>> {
  if (bytes.length > MAX_HOSTS_FILE_BYTES) {
    throw invalid(what, `expected at most ${MAX_HOSTS_FILE_BYTES} bytes, found more`);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return parse(text, { maxDepth: MAX_DEPTH, integersAsBigInt: 'asNeeded' });
  } catch (cause) {
    // The parser's message quotes lines of the file, and a line may be a header with a secret.
    const reason = cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '') : 'a fault';
    throw invalid(what, `expected TOML, found: ${cut(reason, MAX_REASON_CHARACTERS)}`);
  }
}

function invalid(what: string, fault: string): AgentError {
  return new AgentError('registry_hosts_invalid', `${what}: ${fault}`);
}
