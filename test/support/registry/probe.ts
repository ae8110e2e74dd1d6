// A program that asks one registry for one signed image: bundled and compiled as the pull verifier is.
import { AgentError } from '../../../agent/errors.ts';
import { parseReference } from '../../../agent/oci/reference.ts';
import { createFetchTransport } from '../../../agent/pull/fetch-transport.ts';
import { createRegistryClient } from '../../../agent/verifier/registry/client.ts';
import { OWN_FILES } from '../../../agent/verifier/registry/hosts/host-files.ts';
import { parseProxyRules, selectProxy } from '../../../agent/verifier/proxies/rules.ts';
import type { Credential } from '../../../agent/verifier/registry/credentials/credential.ts';

/** Its only argument, as JSON. */
export interface ProbeArguments {
  /** `registry/repository@digest`. */
  readonly image: string;
  readonly artifactType: string;
  readonly plainHttp: boolean;
  readonly ca?: string;
  readonly credential?: Credential;
  /** Holds folders of hosts.toml files. */
  readonly hostsDir?: string;
  readonly timeoutMs: number;
}

/** What it prints, as JSON. */
export type ProbeResult =
  | { readonly mediaType: string; readonly manifests: readonly string[] }
  | { readonly code: string; readonly message: string };

async function probe({ image, artifactType, ...options }: ProbeArguments): Promise<ProbeResult> {
  const rules = parseProxyRules(process.env);
  const client = createRegistryClient({
    createTransport: createFetchTransport,
    userAgent: 'nodeseal-probe',
    // With hosts.toml, as a node has it by default.
    plainHttp: () => (options.hostsDir === undefined ? options.plainHttp : undefined),
    credentials: () =>
      Promise.resolve(options.credential === undefined ? [] : [options.credential]),
    hosts: {
      files: OWN_FILES,
      roots: () => (options.hostsDir === undefined ? [] : [options.hostsDir]),
    },
    proxyOf: (url) => selectProxy(rules, url),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  const signal = AbortSignal.timeout(options.timeoutMs);
  const reference = parseReference(image);
  try {
    const { mediaType, digest } = await client.resolve(reference, signal);
    const referrers = await client.listReferrers(reference, digest, artifactType, signal);
    const manifests = await Promise.all(
      referrers.descriptors.map((found) => client.fetchManifest(reference, found, signal)),
    );
    return { mediaType, manifests: manifests.map((bytes) => Buffer.from(bytes).toString()) };
  } catch (error) {
    if (error instanceof AgentError) return { code: error.code, message: error.message };
    throw error;
  } finally {
    await client.close();
  }
}

async function main(): Promise<void> {
  const given = JSON.parse(process.argv[2] ?? '') as ProbeArguments;
  process.stdout.write(JSON.stringify(await probe(given)));
}

// Not awaited: the bundle is CommonJS, which loads faster and knows no await outside functions.
void main();
