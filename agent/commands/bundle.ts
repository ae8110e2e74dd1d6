// `nodeseal bundle`: signatures of images and the CRLs and OCSP responses that they need, to carry
// to where no registry or CA is reached.
import { withDeadline } from '../deadline.ts';
import { AgentError } from '../errors.ts';
import { LayoutWriter } from '../verifier/bundle/layout-writer.ts';
import { type BundleParts, type CollectedImage, collectImage } from '../verifier/collect-bundle.ts';
import { type CollectedEvidence, EvidenceCollector } from '../verifier/collect-evidence.ts';
import {
  createEvidenceClient,
  type EvidenceRoute,
  resolveBySystem,
} from '../verifier/evidence/client.ts';
import { EVIDENCE_LIMITS } from '../verifier/evidence/limits.ts';
import { duration, formatOf, parseWords, required } from './arguments.ts';
import { assertNames, readAuthorities, readList } from './bundle-inputs.ts';
import { type Bundled, bundleAsJson, describeBundle } from './bundle-report.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { jsonLine } from './output.ts';
import { REGISTRY_OPTIONS, registryOptions } from './registry-arguments.ts';

const HELP = `Usage: nodeseal bundle --output DIR REF... [options]

Writes the signatures of images, and the CRLs and OCSP responses on their certificates, into an OCI
image layout. Carried to nodes and named by NODESEAL_BUNDLE_DIR, or by verify --bundle, it stands in for registries
and CAs that they do not reach. Nothing is judged: that is done where the bundle is used.

  REF                 registry/repository:tag or registry/repository@digest
  --output DIR        where to write: a new or empty folder, or a bundle to bring up to date
  --truststore DIR    folder that holds x509/: its tsa stores have the issuers that timestamps leave out,
                      without which OCSP responders cannot be asked about whom they issued
  --list FILE         images beside those named: one a line, what follows a # left out
  --plain-http        speak plain HTTP with the registries (loopback registries always do)
  --registry-ca FILE  PEM of certificate authorities to trust for the registries
  --hosts-dir DIR     folder of HOST/hosts.toml (default /etc/containerd/certs.d)
  --docker-config FILE  config.json with credentials (default as Docker has it), beside those that the
                      host holds
  --timeout DURATION  how long one image, what is asked about one certificate, or another who writes into
                      the folder may take (default 60s)
  --verbose           tell every request to a registry on standard error
  --format FORMAT     text (default) or json: output, created, images, crls, ocsp,
                      faults

Exit status: 0 all is in it, 1 an image without a signature, or a CRL or OCSP response that could not
be had, 2 could not run (bad arguments, a folder that cannot be written).
`;

const OPTIONS = {
  output: { type: 'string' },
  truststore: { type: 'string' },
  list: { type: 'string' },
  timeout: { type: 'string' },
  format: { type: 'string' },
  ...REGISTRY_OPTIONS,
} as const;

/** The command. */
export const bundle: Command = {
  name: 'bundle',
  summary: 'Write signatures and evidence for nodes that reach no registry',
  help: HELP,
  run: runBundle,
};

const DEFAULT_TIMEOUT_MS = 60_000;

async function runBundle(context: CommandContext): Promise<ExitCode> {
  const { args, stdout, signal } = context;
  const { values, positionals } = parseWords(args, OPTIONS);
  const output = required(values.output, '--output DIR');
  const format = formatOf(values.format, '--format');
  const timeoutMs = duration(values.timeout, '--timeout', DEFAULT_TIMEOUT_MS);
  const names = [...new Set([...positionals, ...(await readList(values.list))])];
  assertNames(names);
  const authorities = await readAuthorities(values.truststore);
  const { createHostRegistryClient, evidenceProxies } =
    await import('../verifier/host-verifier.ts');
  const reached = await registryOptions(names, values, context);
  const registry = createHostRegistryClient(reached);
  try {
    const created = new Date();
    const proxies = evidenceProxies(reached);
    const parts = { registry, authorities, created, timeoutMs, proxies };
    const bundled = { output, created, ...(await writeBundle(output, names, parts, signal)) };
    stdout.write(format === 'json' ? jsonLine(bundleAsJson(bundled)) : describeBundle(bundled));
    return isWhole(bundled) ? 0 : 1;
  } finally {
    await registry.close();
  }
}

interface Options extends Omit<BundleParts, 'writer'> {
  readonly created: Date;
  readonly timeoutMs: number;
  readonly proxies: EvidenceRoute['proxies'];
}

async function writeBundle(
  output: string,
  names: readonly string[],
  { created, timeoutMs, proxies, ...options }: Options,
  signal: AbortSignal,
): Promise<CollectedEvidence & { readonly images: readonly CollectedImage[] }> {
  const writer = await LayoutWriter.open(output);
  try {
    const client = createEvidenceClient(EVIDENCE_LIMITS, { resolve: resolveBySystem, proxies });
    const evidence = new EvidenceCollector(client, writer, created);
    const parts = { ...options, writer };
    const images: CollectedImage[] = [];
    for (const name of names) {
      const image = await withDeadline(signal, timeoutMs, (within) =>
        collectImage(name, parts, within),
      );
      for (const issued of image.issued) {
        await withDeadline(signal, timeoutMs, (within) => evidence.add(issued, within));
      }
      // Stopped: what is not whole does not take the place of a bundle that was.
      if (signal.aborted)
        throw new AgentError('deadline_exceeded', 'stopped; the bundle is as it was');
      images.push(image);
    }
    const collected = await evidence.finish();
    const entries = images.flatMap((image) => image.entries);
    await withDeadline(signal, timeoutMs, (within) =>
      writer.finish([...entries, ...collected.entries], created, within),
    );
    return { ...collected, images };
  } finally {
    await writer.close();
  }
}

function isWhole({ images, faults }: Bundled): boolean {
  return faults.length === 0 && images.every(({ signatures }) => signatures.length > 0);
}
