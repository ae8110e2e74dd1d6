// Tells when somebody touched our files on the host, by a look that costs next to nothing.
import { join } from 'node:path';
import { fingerprintHost } from '../../node/host/fingerprint.ts';
import type { InstallRequest } from '../../node/host/install.ts';
import type { Host } from '../host-install.ts';

/** Knows the host as it was when all was well, or as well as it could be made. */
export class HostTouch {
  readonly #host: Host;
  #paths: readonly string[];
  #known: string | undefined;

  constructor(host: Host) {
    const { policyFile, settingsFile, manifestFile, verifierFile } = host.layout;
    this.#host = host;
    this.#paths = [policyFile, settingsFile, manifestFile, verifierFile];
  }

  /** What is looked at from now on. */
  expect({ trustFiles = [] }: InstallRequest): void {
    const { policyFile, settingsFile, manifestFile, verifierFile, trustStoreDir } =
      this.#host.layout;
    const trust = trustFiles.map(({ path }) => join(trustStoreDir, path));
    this.#paths = [policyFile, settingsFile, manifestFile, verifierFile, ...trust];
  }

  /**
   * Takes the host for untouched from the moment before `action` on, unless that changed the host
   * itself: then only another look can tell what others did meanwhile.
   */
  async around(action: () => Promise<{ readonly hasChanged: boolean }>): Promise<void> {
    const before = await this.#fingerprint();
    const { hasChanged } = await action();
    this.#known = hasChanged ? undefined : before;
  }

  /** `unsure` right after we changed the host ourselves. */
  async look(): Promise<'same' | 'touched' | 'unsure'> {
    if (this.#known === undefined) return 'unsure';
    return (await this.#fingerprint()) === this.#known ? 'same' : 'touched';
  }

  #fingerprint(): Promise<string> {
    return fingerprintHost(this.#host.root, this.#host.layout, this.#paths);
  }
}
