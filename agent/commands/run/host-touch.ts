// Tells when somebody touched our files on the host, by a look that costs next to nothing.
import { join } from 'node:path';
import { fingerprintHost } from '../../node/host/fingerprint.ts';
import type { InstallRequest } from '../../node/host/install.ts';
import { verifierFiles } from '../../node/host/layout.ts';
import type { FollowedHost } from './followed-host.ts';

/** Knows the host as it was when all was well, or as well as it could be made. */
export class HostTouch {
  readonly #host: Pick<FollowedHost, 'now'>;
  #trust: readonly string[] = [];
  #known: string | undefined;

  constructor(host: Pick<FollowedHost, 'now'>) {
    this.#host = host;
  }

  /** What is looked at from now on. */
  expect({ trustFiles = [] }: InstallRequest): void {
    this.#trust = trustFiles.map(({ path }) => path);
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
    const { root, layout } = this.#host.now;
    const { policyFile, settingsFile, manifestFile, trustStoreDir } = layout;
    const trust = this.#trust.map((path) => join(trustStoreDir, path));
    const own = [policyFile, settingsFile, manifestFile, ...verifierFiles(layout)];
    return fingerprintHost(root, layout, [...own, ...trust]);
  }
}
