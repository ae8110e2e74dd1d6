// The hosts of registries, remembered for a moment: what is changed in certs.d holds without a restart.
import type { AgentError } from '../../../errors.ts';
import { type HostsPlace, type LoadedHosts, loadHosts } from './load-hosts.ts';
import type { RegistryHost } from './registry-host.ts';

/** containerd reads them for every pull; a verdict asks for them half a dozen times. */
const REMEMBERED_MS = 5_000;

/** More registries than a node has images from; whoever makes a pod names them. */
const MAX_REGISTRIES = 1_000;

/** Told when a hosts.toml was passed over. Must not throw. */
export type OnHostsFault = (fault: AgentError) => void;

interface Entry {
  readonly pending: Promise<LoadedHosts>;
  readonly untilMs: number;
}

/** Gives the hosts of a registry. */
export class HostSource {
  readonly #place: HostsPlace;
  readonly #nowMs: () => number;
  readonly #onFault: OnHostsFault | undefined;
  readonly #entries = new Map<string, Entry>();

  constructor(place: HostsPlace, nowMs: () => number, onFault?: OnHostsFault) {
    this.#place = place;
    this.#nowMs = nowMs;
    this.#onFault = onFault;
  }

  /** At least one, the last of which serves the registry itself. Throws what `loadHosts` throws. */
  async of(registry: string): Promise<readonly RegistryHost[]> {
    const nowMs = this.#nowMs();
    const known = this.#entries.get(registry);
    if (known !== undefined && nowMs < known.untilMs) return (await known.pending).hosts;
    const pending = loadHosts(this.#place, registry);
    this.#entries.delete(registry);
    this.#entries.set(registry, { pending, untilMs: nowMs + REMEMBERED_MS });
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size > MAX_REGISTRIES) this.#entries.delete(oldest);
    const { hosts, fault } = await pending;
    if (fault !== undefined) this.#onFault?.(fault);
    return hosts;
  }
}
