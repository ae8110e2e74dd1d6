// Where evidence comes from: OCSP responders, CRLs and verification plugins, each loaded when a signature first needs it.
import type { Evidence } from '../notation/verification/evidence.ts';
import { type Bundle, orNothing } from './bundle/bundle.ts';
import type { Proxies } from './evidence/exchange.ts';
import type { RevocationSource } from './evidence/revocation-source.ts';
import type { PluginSource } from './plugins/plugin-source.ts';

/** Made on first use: most signatures need neither, and a pull must not wait for what it does not need. */
export interface EvidenceSources {
  readonly revocation: () => Promise<RevocationSource>;
  readonly plugins: () => Promise<PluginSource>;
}

export interface EvidenceOptions {
  readonly clock: { now(): Date };
  /** Keeps CRLs from run to run; absent: they are kept in memory only. */
  readonly crlCacheDir?: string;
  /** CRLs and OCSP responses that were carried in. */
  readonly bundle?: Bundle | undefined;
  /** For OCSP and CRLs. Default: none is asked. */
  readonly proxies?: Proxies | undefined;
  /** Holds a folder for each verification plugin. */
  readonly pluginDir: string;
}

/** How long what verdicts rest on will do; each null where there is no such thing. */
export interface Staleness {
  /** When the first CRL ends, or did, of those in use. */
  readonly firstCrlEnd: Date | null;
  /** When the first OCSP answer ends, or did, of those in use that were carried in. */
  readonly firstCarriedOcspEnd: Date | null;
  /** When the bundle was made, by its own word. */
  readonly bundleCreated: Date | null;
}

/** Opens nothing before it is asked. */
export function createEvidenceSources(options: EvidenceOptions): EvidenceSources & {
  staleness(): Staleness;
  close(): Promise<void>;
} {
  const { clock, crlCacheDir, pluginDir, bundle, proxies } = options;
  let revocation: Promise<RevocationSource> | undefined;
  let loaded: RevocationSource | undefined;
  let plugins: Promise<PluginSource> | undefined;
  return {
    revocation: () => {
      revocation ??= import('./evidence/revocation-source.ts').then(
        ({ createRevocationSource }) => {
          const cacheDir = crlCacheDir === undefined ? {} : { cacheDir: crlCacheDir };
          const carried = bundle && {
            crl: (address: string) => orNothing(bundle.crl(address)),
            ocsp: (certId: string) => orNothing(bundle.ocsp(certId)),
          };
          return (loaded = createRevocationSource({ clock, ...cacheDir, carried, proxies }));
        },
      );
      return revocation;
    },
    plugins: () => {
      plugins ??= import('./plugins/plugin-source.ts').then(({ createPluginSource }) =>
        createPluginSource({ directory: pluginDir }),
      );
      return plugins;
    },
    staleness: () => ({
      firstCrlEnd: loaded?.firstCrlEnd() ?? null,
      firstCarriedOcspEnd: loaded?.firstCarriedOcspEnd() ?? null,
      bundleCreated: bundle?.lastCreated ?? null,
    }),
    close: async () => (await revocation)?.close(),
  };
}

/** The same, asked by whoever is in no hurry. */
export function patiently(sources: EvidenceSources): EvidenceSources {
  return {
    ...sources,
    revocation: async () => {
      const source = await sources.revocation();
      return {
        ...source,
        check: (chain, options, signal) =>
          source.check(chain, { ...options, isPatient: true }, signal),
      };
    },
  };
}

/** The evidence for one verdict; all that it waits for ends with `signal`. */
export function evidenceFor(sources: EvidenceSources, signal: AbortSignal): Evidence {
  return {
    async revocation(chain, authenticSigningTime) {
      const source = await sources.revocation();
      const options = authenticSigningTime === undefined ? {} : { authenticSigningTime };
      return source.check(chain, options, signal);
    },
    async plugin(name, minVersion) {
      const source = await sources.plugins();
      const plugin = await source.find(name, minVersion, signal);
      return {
        capabilities: plugin.capabilities,
        verify: (request) => plugin.verify(request, signal),
      };
    },
  };
}
