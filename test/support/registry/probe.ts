// A program that asks one registry for one signed image: bundled and compiled as the pull verifier is.
import { AgentError } from '../../../agent/errors.ts';
import { parseReference } from '../../../agent/oci/reference.ts';
import { createFetchTransport } from '../../../agent/pull/fetch-transport.ts';
import { createRegistryClient } from '../../../agent/verifier/registry/client.ts';
import type { Credential } from '../../../agent/verifier/registry/credentials/credential.ts';

/** Its only argument, as JSON. */
export interface ProbeArguments {
  /** `registry/repository@digest`. */
  readonly image: string;
  readonly artifactType: string;
  readonly plainHttp: boolean;
  readonly ca?: string;
  readonly credential?: Credential;
  readonly timeoutMs: number;
}

/** What it prints, as JSON. */
export type ProbeResult =
  | { readonly mediaType: string; readonly manifests: readonly string[] }
  | { readonly code: string; readonly message: string };

async function probe({ image, artifactType, ...options }: ProbeArguments): Promise<ProbeResult> {
  const client = createRegistryClient({
    createTransport: createFetchTransport,
    userAgent: 'nodeseal-probe',
    plainHttp: () => options.plainHttp,
    credentials: () =>
      Promise.resolve(options.credential === undefined ? [] : [options.credential]),
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
