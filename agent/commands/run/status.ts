// What the agent tells of itself, as data for programs.
import type { Enforcement } from '../../enforcement/state.ts';
import { AgentError } from '../../errors.ts';
import { IMAGE_CAUSES, IMAGE_STATES } from '../../metrics/labels.ts';
import type { InventoryCounts } from '../../metrics/sources.ts';
import { KnownContent } from '../../node/host/content.ts';
import { type BreakGlass, describeBreakGlass } from '../../pull/break-glass.ts';
import type { PullMode } from '../../pull/mode.ts';

/** A generation of policy or trust. */
export interface GenerationStatus {
  readonly hash: string;
  /** Changes since the agent started. */
  readonly generation: number;
  /** Null before the first. */
  readonly loadedAt: Date | null;
}

/** The trust stores, and which certificate of them expires first. */
export interface TrustStatus extends GenerationStatus {
  readonly nextExpiry: { readonly at: Date; readonly subject: string } | null;
}

/** What is told, as its owners hold it. */
export interface StatusParts {
  readonly version: string;
  readonly now: () => Date;
  readonly enforcement: () => Enforcement;
  /** What is set for this node. */
  readonly mode: PullMode;
  readonly breakGlass: () => BreakGlass;
  /** Why the agent is not ready. */
  readonly problems: () => readonly string[];
  readonly policy: () => GenerationStatus;
  readonly trust: () => TrustStatus;
  readonly inventory: () => InventoryCounts;
  readonly journalLagSeconds: () => number | null;
  /** The verifier's executable, for this process. */
  readonly verifierFile: () => string;
  /** Whether the host holds the verifier that came with this agent. */
  readonly isInStep: () => boolean;
}

/** The state of enforcement and what it comes from, as `/status.json` tells it. Times are RFC 3339. */
export class Status {
  readonly #parts: StatusParts;
  readonly #content = new KnownContent();

  constructor(parts: StatusParts) {
    this.#parts = parts;
  }

  /** For programs. */
  async report(): Promise<object> {
    const { version, now, enforcement, policy, trust, mode, breakGlass, problems } = this.#parts;
    const { inventory, journalLagSeconds } = this.#parts;
    const { state, causes, provedAt } = enforcement();
    const age = provedAt === null ? null : (now().getTime() - provedAt.getTime()) / 1000;
    return {
      version,
      enforcement: { state, causes, provedAt, proofAgeSeconds: age },
      mode,
      breakGlass: breakGlassOf(breakGlass()),
      problems: problems(),
      verifier: await this.#verifier(),
      policy: policy(),
      trust: trust(),
      coverage: coverageOf(inventory()),
      journalLagSeconds: journalLagSeconds(),
    };
  }

  /** `sha256` is null while there is none; `version` is known of the one that came with this agent. */
  async #verifier(): Promise<object> {
    const { verifierFile, isInStep, version } = this.#parts;
    const path = verifierFile();
    const sha256 = await this.#sha256(path);
    return { path, sha256, version: sha256 !== null && isInStep() ? version : null };
  }

  /** Reading tens of megabytes for each who asks would be a way to keep the node busy. */
  async #sha256(path: string): Promise<string | null> {
    try {
      return (await this.#content.of(path)).sha256;
    } catch (error) {
      // Missing or unreadable: either way there is none to tell the checksum of.
      if (error instanceof AgentError) return null;
      throw error;
    }
  }
}

/** Its state with a sentence for a person. */
export function breakGlassOf(glass: BreakGlass) {
  switch (glass.state) {
    case 'absent':
      return { state: glass.state, message: 'none' };
    case 'active': {
      const { state, until, reason, by } = glass;
      return { state, until, reason, by, message: describeBreakGlass(glass) };
    }
    case 'ignored':
      return { state: glass.state, message: `ignored ${glass.error.message}` };
  }
}

/** How many images there are, of each state and of each cause, and how many containers run which. */
function coverageOf({ images, containers }: InventoryCounts): object {
  return {
    images: sumOf(images),
    ...Object.fromEntries(
      IMAGE_STATES.map((state) => [state, sumOf(images.filter((one) => one.state === state))]),
    ),
    causes: Object.fromEntries(
      IMAGE_CAUSES.map((cause) => [cause, sumOf(images.filter((one) => one.cause === cause))]),
    ),
    running: Object.fromEntries(
      IMAGE_STATES.map((state) => [state, sumOf(containers.filter((one) => one.state === state))]),
    ),
  };
}

function sumOf(counts: readonly { readonly count: number }[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}
