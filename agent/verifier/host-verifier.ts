// The verifier over what the host itself holds: its policy file, its trust stores, its network.
import { Bundle } from './bundle/bundle.ts';
import type { Proxies } from './evidence/exchange.ts';
import { createEvidenceSources } from './evidence-sources.ts';
import { loadPolicyFile } from './policy-file.ts';
import type { ProxyOf } from './proxies/rules.ts';
import {
  createRegistryClient,
  type RegistryClient,
  type RegistryHostsOptions,
} from './registry/client.ts';
import type { CredentialEvent, CredentialSource } from './registry/credentials/credential.ts';
import type { CreateTransport, RequestEvent } from './registry/http.ts';
import { loadTrustStores } from './truststore/load.ts';
import { createVerifier, type Verifier } from './verifier.ts';

/** Where policy, trust and registries are. */
export interface HostVerifierOptions {
  readonly policyFile: string;
  /** The folder that holds `x509/`. */
  readonly truststoreDir: string;
  readonly registry: RegistryOptions;
  /** Holds a folder for each verification plugin. */
  readonly pluginDir: string;
  /** Keeps CRLs from run to run. Default: in memory only. */
  readonly crlCacheDir?: string;
  /** An OCI image layout with signatures and evidence that was carried in. Default: none was. */
  readonly bundleDir?: string | null;
}

/** How registries are reached. */
export interface RegistryOptions {
  readonly createTransport: CreateTransport;
  /** Registries spoken to over plain HTTP; loopback ones always are. */
  readonly plainHttp: readonly string[];
  /** See `RegistryClientOptions`. Default: no registry has any but its own. */
  readonly hosts?: RegistryHostsOptions;
  /** Default: no request goes through a proxy. */
  readonly proxyOf?: ProxyOf;
  /** PEM of certificate authorities to trust beside the public ones. */
  readonly ca?: string;
  /** Called for every HTTP request. Must not throw. */
  readonly onRequest?: (event: RequestEvent) => void;
  /** See `RegistryClientOptions`. */
  readonly asksTagAlongside?: boolean;
  /** Default: anonymous access alone. */
  readonly credentials?: CredentialSource;
  /** Called when a registry took another credential than before. Must not throw. */
  readonly onCredential?: (event: CredentialEvent) => void;
}

/** Creates a registry client as the options say. Throws `setting_invalid` if the CA is not PEM. */
export function createHostRegistryClient({
  createTransport,
  plainHttp,
  hosts,
  proxyOf,
  ca,
  onRequest,
  asksTagAlongside = false,
  credentials,
  onCredential,
}: RegistryOptions): RegistryClient {
  const named = new Set(plainHttp);
  return createRegistryClient({
    createTransport,
    userAgent: 'nodeseal',
    asksTagAlongside,
    plainHttp: (registry) => (named.has(registry) ? true : undefined),
    ...(hosts && { hosts }),
    ...(proxyOf && { proxyOf }),
    ...(ca === undefined ? {} : { ca }),
    ...(onRequest && { onRequest }),
    ...(credentials && { credentials }),
    ...(onCredential && { onCredential }),
  });
}

/** OCSP and CRLs are asked for by the same proxies as registries are. */
export function evidenceProxies({
  proxyOf,
  ca,
}: Pick<RegistryOptions, 'proxyOf' | 'ca'>): Proxies | undefined {
  return proxyOf && { of: proxyOf, ca };
}

/**
 * Creates a verifier that reads policy and trust anew for every verdict. Its connections are kept
 * until `close`. Throws `setting_invalid` if the CA is not PEM.
 */
export function createHostVerifier(
  options: HostVerifierOptions,
): Verifier & { close(): Promise<void> } {
  const { policyFile, truststoreDir, pluginDir, crlCacheDir, bundleDir = null } = options;
  const bundle = bundleDir === null ? undefined : new Bundle(bundleDir);
  const clock = { now: () => new Date() };
  const registry = createHostRegistryClient(options.registry);
  const evidence = createEvidenceSources({
    ...{ clock, pluginDir, bundle, proxies: evidenceProxies(options.registry) },
    ...(crlCacheDir && { crlCacheDir }),
  });
  const verifier = createVerifier({
    ...{ registry, clock, evidence },
    ...(bundle && { bundle }),
    policy: () => loadPolicyFile(policyFile),
    trust: (names) => loadTrustStores(truststoreDir, names),
  });
  return {
    ...verifier,
    async close() {
      await Promise.all([registry.close(), evidence.close()]);
    },
  };
}
