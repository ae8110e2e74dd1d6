// The label of a registry: its name, for as many as there is room for.
import { OTHER } from './labels.ts';

/** Each registry costs some twenty samples for as long as the agent runs. */
export const MAX_REGISTRIES = 32;
/** Whoever may make pods names registries: what the policy names must find room all the same. */
export const MAX_UNNAMED_REGISTRIES = 16;

/** Registries of this node itself; the canary's has another port each time. */
export const LOOPBACK = 'loopback';
const IS_LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/;

/** Gives at most `MAX_REGISTRIES` labels that are names, and two others. */
export class RegistryLabels {
  readonly #isNamed: (registry: string) => boolean;
  readonly #given = new Set<string>();

  /** `isNamed` tells whether the policy names a registry. */
  constructor(isNamed: (registry: string) => boolean) {
    this.#isNamed = isNamed;
  }

  /** The label of a registry, which is attacker-controlled; a name that was given stays. */
  of(registry: string): string {
    if (this.#given.has(registry)) return registry;
    const isNamed = this.#isNamed(registry);
    if (!isNamed && IS_LOOPBACK.test(registry)) return LOOPBACK;
    if (this.#given.size >= (isNamed ? MAX_REGISTRIES : MAX_UNNAMED_REGISTRIES)) return OTHER;
    this.#given.add(registry);
    return registry;
  }
}
