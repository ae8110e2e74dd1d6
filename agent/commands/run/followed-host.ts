// The host while `bin_dir` of its containerd may move: where the verifier is to be now, and where it was.
import { dirname, join } from 'node:path';
import type { Config } from '../../config.ts';
import type { EffectiveBinDir } from '../../node/containerd/effective-bin-dir.ts';
import { type BinDirs, chooseBinDirs } from '../../node/host/bin-dirs.ts';
import { verifierFiles } from '../../node/host/layout.ts';
import type { FoundBinDirs } from '../bin-dirs.ts';
import { type Host, hostOf } from '../host-install.ts';

/** Knows one host; what it says changes only when it is told of containerd. */
export class FollowedHost {
  readonly #config: Config;
  readonly #everywhere = new Set<string>();
  #host: Host;
  #verifierTimeoutMs: number | undefined;

  constructor(config: Config, { binDirs, installed }: Pick<FoundBinDirs, 'binDirs' | 'installed'>) {
    this.#config = config;
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

  /** How long containerd lets a verifier run; undefined while that is not known. */
  get verifierTimeoutMs(): number | undefined {
    return this.#verifierTimeoutMs;
  }

  /** Told what containerd's configuration comes to. True when the verifier is to be elsewhere than before. */
  follow(effective: EffectiveBinDir): boolean {
    const before = verifierFiles(this.#host.layout);
    const installed = before.map((path) => dirname(path));
    this.#verifierTimeoutMs = effective.verifierTimeoutMs;
    this.#host = this.#move(chooseBinDirs({ set: this.#config.binDir, effective, installed }));
    return before.join('\0') !== verifierFiles(this.#host.layout).join('\0');
  }

  #move(binDirs: BinDirs): Host {
    const host = hostOf(this.#config, binDirs);
    for (const path of verifierFiles(host.layout)) this.#everywhere.add(path);
    return host;
  }
}
