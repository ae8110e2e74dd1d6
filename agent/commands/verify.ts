// `nodeseal verify`: the verdict on one image, as a pull on a node would get it.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseConfig } from '../config.ts';
import { AgentError } from '../errors.ts';
import { createLayout } from '../node/host/layout.ts';
import { DEFAULT_REGISTRY_HOSTS } from '../pull/verifier-settings.ts';
import type { RegistryOptions } from '../verifier/host-verifier.ts';
import { loadPolicyFile } from '../verifier/policy-file.ts';
import { OWN_FILES } from '../verifier/registry/hosts/host-files.ts';
import type { RequestEvent } from '../verifier/registry/http.ts';
import { duration, outputFormat, parseArguments, required } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { jsonLine, textLines } from './output.ts';
import { screenOf } from './screen.ts';
import { describeVerdict } from './verdict-report.ts';

/** A person waits; a pull is given less. */
const DEFAULT_TIMEOUT_MS = 60_000;

const HELP = `Usage: nodeseal verify REF --policy FILE --truststore DIR [options]

Gives the verdict on an image, as a pull on a node would get it.

  REF                 registry/repository:tag or registry/repository@digest
  --policy FILE       trust policy document
  --truststore DIR    folder that holds x509/
  --plain-http        speak plain HTTP with the registry (loopback registries always do)
  --registry-ca FILE  PEM of certificate authorities to trust for the registry
  --hosts-dir DIR     folder of HOST/hosts.toml (default /etc/containerd/certs.d)
  --docker-config FILE  config.json with credentials (default as Docker has it), beside those that the
                      host holds
  --plugins DIR       folder of verification plugins, as notation has it (default
                      /opt/nodeseal/plugins)
  --timeout DURATION  how long it may take, such as 30s or 2m (default 60s); then the verdict is
                      deny, inconclusive
  --verbose           tell every request to a registry on standard error
  --output FORMAT     text (default), a table of the checks, or json, the whole verdict

Exit status: 0 allow, 1 deny, 2 could not run (bad arguments, bad policy).
`;

const OPTIONS = {
  policy: { type: 'string' },
  truststore: { type: 'string' },
  'plain-http': { type: 'boolean' },
  'registry-ca': { type: 'string' },
  'hosts-dir': { type: 'string' },
  'docker-config': { type: 'string' },
  plugins: { type: 'string' },
  timeout: { type: 'string' },
  verbose: { type: 'boolean' },
  output: { type: 'string' },
} as const;

/** The command. */
export const verify: Command = {
  name: 'verify',
  summary: 'Give the verdict on one image',
  help: HELP,
  run: runVerify,
};

async function runVerify(context: CommandContext): Promise<ExitCode> {
  const { args, environment, stdout, signal } = context;
  const { values, positionals } = parseArguments(args, OPTIONS, ['REF']);
  const name = required(positionals[0], 'REF');
  const format = outputFormat(values.output);
  const timeoutMs = duration(values.timeout, '--timeout', DEFAULT_TIMEOUT_MS);
  const policyFile = required(values.policy, '--policy FILE');
  const truststoreDir = required(values.truststore, '--truststore DIR');
  // A policy that cannot be carried out is no verdict on the image: the command could not run.
  await loadPolicyFile(policyFile);
  const { createHostVerifier } = await import('../verifier/host-verifier.ts');
  const registry = await registryOptions(name, values, context);
  const pluginDir = values.plugins ?? createLayout().pluginDir;
  const verifier = createHostVerifier({ policyFile, truststoreDir, pluginDir, registry });
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const verdict = await verifier.verify({ name }, within);
    if (verdict.reason === 'reference_invalid' || verdict.reason === 'digest_invalid') {
      throw new AgentError('argument_invalid', verdict.message);
    }
    const screen = screenOf(stdout, environment);
    stdout.write(format === 'json' ? jsonLine(verdict) : describeVerdict(verdict, screen));
    return verdict.decision === 'allow' ? 0 : 1;
  } finally {
    await verifier.close();
  }
}

interface RegistryArguments {
  readonly 'plain-http'?: boolean | undefined;
  readonly 'registry-ca'?: string | undefined;
  readonly 'hosts-dir'?: string | undefined;
  readonly 'docker-config'?: string | undefined;
  readonly verbose?: boolean | undefined;
}

async function registryOptions(
  name: string,
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
    plainHttp: values['plain-http'] === true ? [name.split('/')[0] ?? ''] : [],
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
