// Kubelet's configuration of credential provider plugins as it is on disk: one file, or a directory of files.
import { join } from 'node:path';
import { AgentError } from '../../../errors.ts';
import { parseStrictJson } from '../../../notation/encoding/json.ts';
import type { HostAccess } from './host-access.ts';
import {
  assertProviders,
  type CredentialProvider,
  parseProviderConfig,
} from './provider-config.ts';

/** Gives what reads YAML, which kubelet's configuration may be in, and throws for what is none. */
export type LoadYaml = () => Promise<(text: string) => unknown>;

/** Configurations are a few KiB; of a directory, all together. */
const MAX_CONFIG_BYTES = 1024 * 1024;
/** One for each plugin would be few. */
const MAX_CONFIG_FILES = 100;

/**
 * As kubelet reads it: of a directory the files that are called `*.json`, `*.yaml` or `*.yml` and no
 * directories, in the order of their bytes, and one fault is a fault of the whole. Throws
 * `credentials_invalid`.
 */
export async function readProviders(
  path: string,
  access: Pick<HostAccess, 'read' | 'list'>,
  loadYaml: LoadYaml,
): Promise<readonly CredentialProvider[]> {
  const all: CredentialProvider[] = [];
  let leftBytes = MAX_CONFIG_BYTES;
  for (const file of await configFiles(path, access)) {
    const bytes = await readBytes(file, access, leftBytes);
    leftBytes -= bytes.length;
    const text = Buffer.from(bytes).toString('utf8');
    all.push(...parseProviderConfig(await parseText(text, file, loadYaml), file));
  }
  assertProviders(all, path);
  return all;
}

async function configFiles(
  path: string,
  access: Pick<HostAccess, 'list'>,
): Promise<readonly string[]> {
  const names = await access.list(path).catch((cause: unknown) => {
    throw invalid(path, `expected to read it, found ${String(cause)}`, cause);
  });
  if (names === null) return [path];
  const files = names.filter((name) => /\.(?:json|yaml|yml)$/.test(name));
  if (files.length === 0) throw invalid(path, 'expected *.json, *.yaml or *.yml, found none');
  if (files.length > MAX_CONFIG_FILES) {
    throw invalid(path, `expected at most ${MAX_CONFIG_FILES} files, found ${files.length}`);
  }
  return files
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => join(path, name));
}

async function readBytes(
  file: string,
  access: Pick<HostAccess, 'read'>,
  maxBytes: number,
): Promise<Uint8Array> {
  const bytes = await access.read(file, maxBytes).catch((cause: unknown) => {
    throw invalid(file, `expected to read it, found ${String(cause)}`, cause);
  });
  if (bytes === null) throw invalid(file, 'expected a file, because kubelet names it');
  if (bytes.length <= maxBytes) return bytes;
  throw invalid(file, `expected at most ${MAX_CONFIG_BYTES} bytes in all, found more`);
}

async function parseText(text: string, file: string, loadYaml: LoadYaml): Promise<unknown> {
  if (text.trimStart().startsWith('{')) {
    const document = { what: file, code: 'credentials_invalid' } as const;
    return parseStrictJson(text, { ...document, maxBytes: MAX_CONFIG_BYTES });
  }
  const parse = await loadYaml();
  try {
    return parse(text);
  } catch {
    // Not as the cause: it may quote the text, and variables in it may be secret.
    throw invalid(file, 'expected YAML or JSON, found neither');
  }
}

function invalid(path: string, fault: string, cause?: unknown): AgentError {
  return new AgentError('credentials_invalid', `${path}: ${fault}`, { cause });
}
