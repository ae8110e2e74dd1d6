// The canary: pulls one signed and one unsigned image through containerd, to see whether this node really enforces.
import { randomBytes } from 'node:crypto';
import { withDeadline } from '../deadline.ts';
import { AgentError } from '../errors.ts';
import type { Verdict } from '../notation/verification/verdict.ts';
import { parseReference, pinned, repositoryOf } from '../oci/reference.ts';
import type { ImageToVerify, Verifier } from '../verifier/verifier.ts';
import {
  CANARY_KINDS,
  type CanaryImage,
  type CanaryKind,
  createCanaryContent,
} from './canary-content.ts';
import { startCanaryRegistry } from './canary-registry.ts';
import { type CanaryResult, judgeCanary, type PullOutcome } from './canary-result.ts';
import { createCanarySigner } from './canary-signer.ts';
import { type CanaryVerifierParts, createCanaryVerifier } from './canary-verifier.ts';
import { causeOf } from './causes.ts';
import { type CanaryMemory, isLeftover, OwnImages } from './own-images.ts';

/** containerd as kubelet uses it; `agent/node/containerd` talks to it. */
export interface CanaryRuntime {
  /** Throws `containerd_failed` when the pull was refused or failed, `containerd_unavailable` when nobody answered. */
  pull(image: string, signal: AbortSignal): Promise<unknown>;
  /** Removes an image with all its names and content, waiting for it; one that is not there is no error. */
  remove(image: string, signal: AbortSignal): Promise<void>;
  /** Every image with its tags and digests. */
  list(signal: AbortSignal): Promise<readonly ListedImage[]>;
}

export interface ListedImage {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
}

/** What a canary needs. */
export interface CanaryOptions extends CanaryVerifierParts {
  readonly runtime: CanaryRuntime;
  /** Of the node, as Go names it. */
  readonly architecture: string;
  /** File name of the verifier in `bin_dir`. */
  readonly verifierName: string;
  /** Where runs are remembered before they begin. Default: only as long as this lives. */
  readonly memory?: CanaryMemory;
  /** What was left behind and could not be removed; it is tried again before the next run. */
  readonly onIncident: (error: AgentError) => void;
}

/** A verifier may take 10 s by containerd's default, and the node may be busy. */
const PULL_TIMEOUT_MS = 30_000;
const REMOVE_TIMEOUT_MS = 10_000;
/** Who stops the agent waits for this. */
const LAST_REMOVE_TIMEOUT_MS = 1_000;
const NONCE_BYTES = 16;

/** While a run lasts. */
interface Run {
  /** `registry/repository`. */
  readonly repositories: Readonly<Record<CanaryKind, string>>;
  readonly images: Readonly<Record<CanaryKind, CanaryImage>>;
  readonly verifier: Verifier;
  readonly asked: Set<CanaryKind>;
}

/** One canary at a time. */
export class Canary {
  readonly #options: CanaryOptions;
  #run: Run | undefined;
  /** The images of the runs so far. */
  readonly own: OwnImages;

  constructor(options: CanaryOptions) {
    this.#options = options;
    this.own = new OwnImages(options.memory);
  }

  /**
   * The verdict on an image of the run under way; undefined for any other image, which is for the
   * policy in force to judge. Both name and content must be the canary's: this is the only way past
   * the policy in force, and nothing but a few bytes of our own can come in by it.
   */
  judge(image: ImageToVerify, signal: AbortSignal): Promise<Verdict> | undefined {
    const run = this.#run;
    const kind = run === undefined ? undefined : kindOf(run, image);
    if (run === undefined || kind === undefined) return undefined;
    run.asked.add(kind);
    return run.verifier.verify(image, signal);
  }

  /**
   * Tries once, after removing what an earlier agent left. Nothing of the run is on the node when
   * this resolves, unless `onIncident` was told. Never rejects for what others do.
   */
  async run(signal: AbortSignal): Promise<CanaryResult> {
    if (this.#run !== undefined) throw new TypeError('one canary at a time');
    try {
      await this.#removeLeftovers(signal);
      return await this.#try(signal);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return { kind: 'inconclusive', cause: causeOf('canary_failed', error.message) };
    } finally {
      this.#run = undefined;
    }
  }

  async #try(signal: AbortSignal): Promise<CanaryResult> {
    const { architecture, clock, verifierName } = this.#options;
    const signer = createCanarySigner(clock.now());
    const nonce = randomBytes(NONCE_BYTES).toString('hex');
    const content = createCanaryContent({ nonce, architecture, sign: signer.sign });
    this.own.remember(content);
    const registry = await startCanaryRegistry(content.resources);
    try {
      const { images } = content;
      const repositories = {
        signed: `${registry.host}/${images.signed.path}`,
        unsigned: `${registry.host}/${images.unsigned.path}`,
      };
      const scopes = Object.values(repositories);
      const verifier = createCanaryVerifier(this.#options, scopes, signer.certificate);
      const run: Run = { repositories, images, verifier, asked: new Set() };
      this.#run = run;
      const signed = await this.#pull(run, 'signed', signal);
      const unsigned = await this.#pull(run, 'unsigned', signal);
      const { asked } = run;
      return judgeCanary({
        ...{ signed, unsigned, asked, verifierName },
        registryAsked: registry.wasAsked(),
      });
    } finally {
      await registry.close();
    }
  }

  async #pull(run: Run, kind: CanaryKind, signal: AbortSignal): Promise<PullOutcome> {
    const name = pinned(parseReference(run.repositories[kind]), run.images[kind].descriptor.digest);
    const { runtime } = this.#options;
    try {
      await withDeadline(signal, PULL_TIMEOUT_MS, (within) => runtime.pull(name, within));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      const { code, message: text } = error;
      return { kind: code === 'containerd_failed' ? 'refused' : 'unanswered', text };
    }
    await this.#remove(name, signal);
    return { kind: 'came_in' };
  }

  async #removeLeftovers(signal: AbortSignal): Promise<void> {
    let images: readonly ListedImage[];
    try {
      images = await this.#options.runtime.list(signal);
    } catch (error) {
      if (error instanceof AgentError && error.code.startsWith('containerd_')) return;
      throw error;
    }
    for (const { id, repoTags, repoDigests } of images) {
      if (isLeftover([...repoTags, ...repoDigests])) await this.#remove(id, signal);
    }
  }

  async #remove(name: string, signal: AbortSignal): Promise<void> {
    // The run may be over because the agent stops: what came in goes all the same.
    const timeoutMs = signal.aborted ? LAST_REMOVE_TIMEOUT_MS : REMOVE_TIMEOUT_MS;
    try {
      await this.#options.runtime.remove(name, AbortSignal.timeout(timeoutMs));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#options.onIncident(error);
    }
  }
}

function kindOf({ repositories, images }: Run, image: ImageToVerify): CanaryKind | undefined {
  return CANARY_KINDS.find(
    (kind) =>
      image.descriptor?.digest === images[kind].descriptor.digest &&
      repositoryIn(image.name) === repositories[kind],
  );
}

function repositoryIn(name: string): string | undefined {
  try {
    return repositoryOf(parseReference(name));
  } catch (error) {
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}
