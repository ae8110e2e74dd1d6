// How commands reach registries: the options that say so, beside what the host itself holds.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseConfig } from '../config.ts';
import { AgentError } from '../errors.ts';
import { DEFAULT_REGISTRY_HOSTS } from '../pull/verifier-settings.ts';
import type { RegistryOptions } from '../verifier/host-verifier.ts';
import { OWN_FILES } from '../verifier/registry/hosts/host-files.ts';
import type { RequestEvent } from '../verifier/registry/http.ts';
import type { CommandContext } from './command.ts';
import { textLines } from './output.ts';

export const REGISTRY_OPTIONS = {
  'plain-http': { type: 'boolean' },
  'registry-ca': { type: 'string' },
  'hosts-dir': { type: 'string' },
  'docker-config': { type: 'string' },
  verbose: { type: 'boolean' },
} as const;

interface RegistryArguments {
  readonly 'plain-http'?: boolean | undefined;
  readonly 'registry-ca'?: string | undefined;
  readonly 'hosts-dir'?: string | undefined;
  readonly 'docker-config'?: string | undefined;
  readonly verbose?: boolean | undefined;
}

/** As the options say, for the registries of the named images. Throws `argument_invalid`. */
export async function registryOptions(
  names: readonly string[],
  values: RegistryArguments,
  { stderr, environment }: CommandContext,
): Promise<RegistryOptions> {
  const { createPooledTransport } = await import('../verifier/registry/pooled-transport.ts');
  const { createProxyOf } = await import('./run/proxies.ts');
  const ca = await readCa(values['registry-ca']);
  const { createNodeCredentials } = await import('./node-credentials.ts');
  const { 'hosts-dir': hostsDir } = values;
  const tell = ({ message }: AgentError) => stderr.write(textLines([message]));
  const roots = hostsDir === undefined ? DEFAULT_REGISTRY_HOSTS : [resolve(hostsDir)];
  return {
    createTransport: createPooledTransport,
    plainHttp: values['plain-http'] === true ? names.map((name) => name.split('/')[0] ?? '') : [],
    proxyOf: createProxyOf(environment, () => null),
    credentials: createNodeCredentials({
      config: {
        ...parseConfig({}),
        dockerConfig: dockerConfig(values['docker-config'], environment),
      },
      environment,
      nowMs: Date.now,
      onFault: tell,
    }),
    hosts: {
      files: OWN_FILES,
      roots: () => roots,
      onFault: tell,
    },
    ...(ca === undefined ? {} : { ca }),
    ...(values.verbose === true
      ? { onRequest: (event) => stderr.write(describeRequest(event)) }
      : {}),
  };
}

/** As Docker finds its own. */
function dockerConfig(
  given: string | undefined,
  { DOCKER_CONFIG: directory, HOME: home }: CommandContext['environment'],
): string | undefined {
  if (given !== undefined) return resolve(given);
  if (directory !== undefined) return join(resolve(directory), 'config.json');
  return home === undefined ? undefined : join(resolve(home), '.docker/config.json');
}

function describeRequest({ operation, status, durationMs }: RequestEvent): string {
  const answer = status === undefined ? 'no answer' : String(status);
  return textLines([
    `registry  ${operation.padEnd(10)} ${answer.padEnd(10)} ${Math.round(durationMs)} ms`,
  ]);
}

async function readCa(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AgentError('argument_invalid', `--registry-ca ${path}: ${String(cause)}`, { cause });
  }
}
