// `nodeseal bundle`: signatures of images and the CRLs that they need, to carry to where no registry or CA is reached.
import { readFile } from 'node:fs/promises';
import { withDeadline } from '../deadline.ts';
import { AgentError } from '../errors.ts';
import { parseReference } from '../oci/reference.ts';
import { LayoutWriter } from '../verifier/bundle/layout-writer.ts';
import { type CollectedImage, collectImage } from '../verifier/collect-bundle.ts';
import { type CollectedCrls, CrlCollector } from '../verifier/collect-crls.ts';
import { createEvidenceClient, resolveBySystem } from '../verifier/evidence/client.ts';
import { EVIDENCE_LIMITS } from '../verifier/evidence/limits.ts';
import { duration, formatOf, parseWords, required } from './arguments.ts';
import { type Bundled, bundleAsJson, describeBundle } from './bundle-report.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { jsonLine } from './output.ts';
import { REGISTRY_OPTIONS, registryOptions } from './registry-arguments.ts';

const HELP = `Usage: nodeseal bundle --output DIR REF... [options]

Writes the signatures of images, and the CRLs that their certificates name, into an OCI image layout.
Carried to nodes and named by NODESEAL_BUNDLE_DIR, or by verify --bundle, it stands in for registries
and CAs that they do not reach. Nothing is judged: that is done where the bundle is used.

  REF                 registry/repository:tag or registry/repository@digest
  --output DIR        where to write: a new or empty folder, or a bundle to bring up to date
  --list FILE         images beside those named: one a line, what follows a # left out
  --plain-http        speak plain HTTP with the registries (loopback registries always do)
  --registry-ca FILE  PEM of certificate authorities to trust for the registries
  --hosts-dir DIR     folder of HOST/hosts.toml (default /etc/containerd/certs.d)
  --docker-config FILE  config.json with credentials (default as Docker has it), beside those that the
                      host holds
  --timeout DURATION  how long one image, or the CRLs of one, may take (default 60s)
  --verbose           tell every request to a registry on standard error
  --format FORMAT     text (default) or json: output, created, images, crls, faults

Exit status: 0 all is in it, 1 an image without a signature or a CRL that could not be had, 2 could
not run (bad arguments, a folder that cannot be written).
`;

const OPTIONS = {
  output: { type: 'string' },
  list: { type: 'string' },
  timeout: { type: 'string' },
  format: { type: 'string' },
  ...REGISTRY_OPTIONS,
} as const;

/** The command. */
export const bundle: Command = {
  name: 'bundle',
  summary: 'Write signatures and CRLs for nodes that reach no registry',
  help: HELP,
  run: runBundle,
};

const DEFAULT_TIMEOUT_MS = 60_000;
/** Their entries fit an index of 4 MiB. */
const MAX_IMAGES = 5_000;

async function runBundle(context: CommandContext): Promise<ExitCode> {
  const { args, stdout, signal } = context;
  const { values, positionals } = parseWords(args, OPTIONS);
  const output = required(values.output, '--output DIR');
  const format = formatOf(values.format, '--format');
  const timeoutMs = duration(values.timeout, '--timeout', DEFAULT_TIMEOUT_MS);
  const names = [...new Set([...positionals, ...(await readList(values.list))])];
  assertNames(names);
  const { createHostRegistryClient } = await import('../verifier/host-verifier.ts');
  const registry = createHostRegistryClient(await registryOptions(names, values, context));
  try {
    const created = new Date();
    const parts = { registry, created, timeoutMs };
    const bundled = { output, created, ...(await writeBundle(output, names, parts, signal)) };
    stdout.write(format === 'json' ? jsonLine(bundleAsJson(bundled)) : describeBundle(bundled));
    return isWhole(bundled) ? 0 : 1;
  } finally {
    await registry.close();
  }
}

interface BundleParts {
  readonly registry: Parameters<typeof collectImage>[1];
  readonly created: Date;
  readonly timeoutMs: number;
}

async function writeBundle(
  output: string,
  names: readonly string[],
  { registry, created, timeoutMs }: BundleParts,
  signal: AbortSignal,
): Promise<CollectedCrls & { readonly images: readonly CollectedImage[] }> {
  const writer = await LayoutWriter.open(output);
  try {
    const client = createEvidenceClient(EVIDENCE_LIMITS, resolveBySystem);
    const crls = new CrlCollector(client, writer, created);
    const images: CollectedImage[] = [];
    for (const name of names) {
      const image = await withDeadline(signal, timeoutMs, (within) =>
        collectImage(name, registry, writer, within),
      );
      for (const issued of image.issued) {
        await withDeadline(signal, timeoutMs, (within) => crls.add(issued, within));
      }
      // Stopped: what is not whole does not take the place of a bundle that was.
      if (signal.aborted)
        throw new AgentError('deadline_exceeded', 'stopped; the bundle is as it was');
      images.push(image);
    }
    const collected = await crls.finish();
    const entries = images.flatMap((image) => image.entries);
    await writer.finish([...entries, ...(collected.entry ? [collected.entry] : [])], created);
    return { ...collected, images };
  } finally {
    await writer.close();
  }
}

function isWhole({ images, faults }: Bundled): boolean {
  return faults.length === 0 && images.every(({ signatures }) => signatures.length > 0);
}

async function readList(path: string | undefined): Promise<readonly string[]> {
  if (path === undefined) return [];
  try {
    const lines = (await readFile(path, 'utf8')).split('\n');
    return lines.map((line) => line.replace(/#.*/, '').trim()).filter((name) => name !== '');
  } catch (cause) {
    throw new AgentError('argument_invalid', `--list ${path}: ${String(cause)}`, { cause });
  }
}

/** All of them first: a misspelt name is told before anything is written. */
function assertNames(names: readonly string[]): void {
  if (names.length === 0 || names.length > MAX_IMAGES) {
    const expected = `expected 1 to ${MAX_IMAGES} images (REF or --list FILE)`;
    throw new AgentError('argument_invalid', `${expected}, found ${names.length}`);
  }
  for (const name of names) {
    try {
      const { tag, digest } = parseReference(name);
      if (tag === undefined && digest === undefined) {
        throw new AgentError('reference_invalid', `${name}: expected a tag or a digest`);
      }
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      throw new AgentError('argument_invalid', error.message, { cause: error });
    }
  }
}
