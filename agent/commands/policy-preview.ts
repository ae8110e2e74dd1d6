// `nodeseal policy preview`: what a candidate policy would change on this node.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { nodeImages, type NodeImage } from '../audit/node-images.ts';
import { type Judge, type Previewed, previewImages, refusedInUse } from '../audit/preview.ts';
import { type Config, parseConfig } from '../config.ts';
import { withDeadline } from '../deadline.ts';
import { isLeftover } from '../enforcement/own-images.ts';
import { createHostReader } from '../node/host/host-reader.ts';
import { Bundle } from '../verifier/bundle/bundle.ts';
import { createEvidenceSources } from '../verifier/evidence-sources.ts';
import { createHostRegistryClient, evidenceProxies } from '../verifier/host-verifier.ts';
import { loadPolicyFile } from '../verifier/policy-file.ts';
import { SignatureCache } from '../verifier/signature-cache.ts';
import { loadTrustStores } from '../verifier/truststore/load.ts';
import { createVerifier, type VerifierParts } from '../verifier/verifier.ts';
import { outputFormat, parseArguments, required } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { type Host, hostOf, registryCa } from './host-install.ts';
import { createNodeCredentials } from './node-credentials.ts';
import { jsonLine } from './output.ts';
import { describePreview, previewAsJson } from './preview-report.ts';
import { createProxyOf } from './run/proxies.ts';
import { screenOf } from './screen.ts';

const HELP = `Usage: nodeseal policy preview FILE [options]

Judges every image on this node by a candidate trust policy and by the one in force, and says which
would change sides: the pause image, the agent's own and those of running containers first. Nothing
is changed. Registries are reached as the NODESEAL_ settings say, and the bundle that was carried to the
node is looked into before them.

  --truststore DIR          folder that holds x509/, for the candidate (default: the host's)
  --against FILE            policy in force (default: the host's; none there is no fault)
  --containerd-socket PATH  default: NODESEAL_CONTAINERD_SOCKET below NODESEAL_HOST_ROOT
  --output FORMAT           text (default) or json: policy, against, images, refusedInUse

Exit status: 0 no image in use would be refused, 1 at least one would, 2 could not run (bad
arguments, bad policy, no containerd).
`;

const OPTIONS = {
  truststore: { type: 'string' },
  against: { type: 'string' },
  'containerd-socket': { type: 'string' },
  output: { type: 'string' },
} as const;

/** The command. */
export const policyPreview: Command = {
  name: 'policy preview',
  summary: 'Say what a trust policy would change on this node',
  help: HELP,
  run: runPolicyPreview,
};

/** One image may take longer than a pull may, but not for ever. */
const DEADLINE_MS = 30_000;

async function runPolicyPreview(context: CommandContext): Promise<ExitCode> {
  const { args, environment, stdout, stderr, signal } = context;
  const { values, positionals } = parseArguments(args, OPTIONS, ['FILE']);
  const policy = required(positionals[0], 'FILE');
  const format = outputFormat(values.output);
  const config = parseConfig(environment);
  const host = hostOf(config);
  const against = againstOf(values.against, host);
  const socket = values['containerd-socket'] ?? join(config.hostRoot, config.containerdSocket);
  const judges = await openJudges(config, environment, host, {
    ...{ policy, against },
    truststore: values.truststore ?? host.truststoreDir,
  });
  try {
    const images = await imagesOf(socket, signal);
    const onProgress = progressOn(stderr);
    const previewed = await previewImages(images, { ...judges, onProgress }, signal);
    const preview = { policy, against, previewed };
    const screen = screenOf(stdout, environment);
    const text =
      format === 'json' ? jsonLine(previewAsJson(preview)) : describePreview(preview, screen);
    stdout.write(text);
    return exitCodeOf(previewed);
  } finally {
    await judges.close();
  }
}

function exitCodeOf(previewed: readonly Previewed[]): ExitCode {
  return refusedInUse(previewed).length === 0 ? 0 : 1;
}

/** A policy that is named must be there; that a host has none yet is what preview is for. */
function againstOf(given: string | undefined, { policyFile }: Host): string | null {
  if (given !== undefined) return given;
  return existsSync(policyFile) ? policyFile : null;
}

interface Sides {
  readonly policy: string;
  readonly truststore: string;
  readonly against: string | null;
}

/** Both sides over the same connections and signatures; documents are read once, and first of all. */
async function openJudges(
  config: Config,
  environment: CommandContext['environment'],
  host: Host,
  { policy, truststore, against }: Sides,
) {
  const documents = {
    candidate: await loadPolicyFile(policy),
    current: against === null ? null : await loadPolicyFile(against),
  };
  const { createPooledTransport } = await import('../verifier/registry/pooled-transport.ts');
  const clock = { now: () => new Date() };
  const ca = registryCa(config);
  const proxyOf = createProxyOf(environment, () => null);
  const registry = createHostRegistryClient({
    createTransport: createPooledTransport,
    plainHttp: config.registryPlainHttp,
    hosts: { files: createHostReader(config.hostRoot), roots: () => host.registryHosts },
    credentials: createNodeCredentials({
      ...{ config, environment, nowMs: Date.now },
      // What it costs is in the verdicts.
      onFault: () => undefined,
    }),
    ...{ proxyOf, ...(ca === undefined ? {} : { ca }) },
  });
  const proxies = evidenceProxies({ proxyOf, ...(ca === undefined ? {} : { ca }) });
  const { bundleDir } = config;
  const bundle =
    bundleDir === undefined ? {} : { bundle: new Bundle(join(config.hostRoot, bundleDir)) };
  const evidence = createEvidenceSources({ clock, proxies, pluginDir: host.pluginDir, ...bundle });
  const shared = { registry, clock, evidence, signatures: new SignatureCache(), ...bundle };
  const { candidate, current } = documents;
  return {
    candidate: judgeOf({
      ...shared,
      policy: () => Promise.resolve(candidate),
      trust: (names) => loadTrustStores(truststore, names),
    }),
    current:
      current === null
        ? null
        : judgeOf({
            ...shared,
            policy: () => Promise.resolve(current),
            trust: (names) => loadTrustStores(host.truststoreDir, names),
          }),
    close: () => Promise.all([registry.close(), evidence.close()]),
  };
}

function judgeOf(parts: VerifierParts): Judge {
  const verifier = createVerifier(parts);
  return (image, signal) =>
    withDeadline(signal, DEADLINE_MS, (within) => verifier.verify(image, within));
}

async function imagesOf(socket: string, signal: AbortSignal): Promise<readonly NodeImage[]> {
  const { createContainerdClient } = await import('../node/containerd/client.ts');
  const { listImages } = await import('../node/containerd/images.ts');
  const { listPodContainers } = await import('../node/containerd/containers.ts');
  const client = createContainerdClient(socket);
  try {
    const { images, invalid } = await listImages(client, signal);
    // An image that cannot be read would be missing from what is said to be all.
    const [fault] = invalid;
    if (fault !== undefined) throw fault;
    const known = nodeImages(images, await listPodContainers(client, signal));
    return known.filter(({ names }) => !isLeftover(names));
  } finally {
    client.close();
  }
}

/** On terminals only: one line that is written over. */
function progressOn(stderr: CommandContext['stderr']): (done: number, total: number) => void {
  const { isTTY }: CommandContext['stderr'] & { readonly isTTY?: boolean } = stderr;
  if (isTTY !== true) return () => undefined;
  return (done, total) => {
    stderr.write(`\r${done} of ${total} images judged${done === total ? '\n' : ''}`);
  };
}
