// The host while `bin_dir` of its containerd may move: where the verifier is to be now, and where it was.
import { dirname, join } from 'node:path';
import type { Config } from '../../config.ts';
import type { EffectiveBinDir } from '../../node/containerd/effective-bin-dir.ts';
import type { ProxyVariables, RegistryAccess } from '../../node/containerd/registry-access.ts';
import { type BinDirs, chooseBinDirs } from '../../node/host/bin-dirs.ts';
import { verifierFiles } from '../../node/host/layout.ts';
import type { FoundBinDirs } from '../bin-dirs.ts';
import { type Host, hostOf } from '../host-install.ts';

/** Knows one host; what it says changes only when it is told of containerd. */
export class FollowedHost {
  readonly #config: Config;
  readonly #everywhere = new Set<string>();
  #access: RegistryAccess | null;
  #host: Host;
  #verifierTimeoutMs: number | undefined;

  constructor(
    config: Config,
    {
      binDirs,
      installed,
      access = null,
    }: Pick<FoundBinDirs, 'binDirs' | 'installed'> & Partial<Pick<FoundBinDirs, 'access'>>,
  ) {
    this.#config = config;
    this.#access = access;
    this.#host = this.#move([...binDirs, ...installed] as BinDirs);
    this.#host = this.#move(binDirs);
  }

  /** As it is to be now. */
  get now(): Host {
    return this.#host;
  }

  /** The verifier where containerd looks, for this process. */
  get verifierHere(): string {
    return join(this.#host.root, this.#host.layout.verifierFile);
  }

  /** Paths of the host where the verifier is, or was: the journal tells of what was before. */
  get verifiersEver(): ReadonlySet<string> {
    return this.#everywhere;
  }

  /** What says which proxies containerd uses; null while that is not known. */
  get proxyVariables(): ProxyVariables | null {
    return this.#access?.proxyVariables ?? null;
  }

  /** How long containerd lets a verifier run; undefined while that is not known. */
  get verifierTimeoutMs(): number | undefined {
    return this.#verifierTimeoutMs;
  }

  /**
   * Told what containerd's configuration comes to. True when the host is to hold something else than
   * before.
   */
  follow(effective: EffectiveBinDir, access: RegistryAccess | null = this.#access): boolean {
    const before = verifierFiles(this.#host.layout);
    const hostsBefore = this.#host.registryHosts;
    this.#access = access;
    const installed = before.map((path) => dirname(path));
    this.#verifierTimeoutMs = effective.verifierTimeoutMs;
    this.#host = this.#move(chooseBinDirs({ set: this.#config.binDir, effective, installed }));
    const { layout, registryHosts } = this.#host;
    return (
      before.join('\0') !== verifierFiles(layout).join('\0') ||
      hostsBefore.join('\0') !== registryHosts.join('\0')
    );
  }

  #move(binDirs: BinDirs): Host {
    const host = hostOf(this.#config, binDirs, this.#access);
    for (const path of verifierFiles(host.layout)) this.#everywhere.add(path);
    return host;
  }
}
