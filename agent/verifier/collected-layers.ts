// The evidence of one kind in a bundle that is being written: a layer for each thing that it is evidence on.
import { AgentError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { MAX_LAYERS } from '../oci/manifest.ts';
import { OCI_EMPTY, OCI_MANIFEST } from '../oci/media-types.ts';
import type { EvidenceKind } from './bundle/evidence-kind.ts';
import type { LayoutWriter } from './bundle/layout-writer.ts';

/** Keeps what was had, and why the rest was not. `T` is what is told of each. */
export class CollectedLayers<T> {
  readonly #kind: EvidenceKind;
  readonly #writer: LayoutWriter;
  readonly #kept = new Map<string, { readonly told: T; readonly layer: Descriptor }>();
  readonly #faults = new Map<string, AgentError>();

  constructor(kind: EvidenceKind, writer: LayoutWriter) {
    this.#kind = kind;
    this.#writer = writer;
  }

  get all(): readonly T[] {
    return [...this.#kept.values()].map(({ told }) => told);
  }

  get faults(): readonly AgentError[] {
    return [...this.#faults.values()];
  }

  /** Whether it is there, or could not be had: a server that is down is not waited for by every image. */
  isKnown(subject: string): boolean {
    return this.#kept.has(subject) || this.#faults.has(subject);
  }

  /** Throws `argument_invalid` when there is no room for it, or the bundle cannot be written. */
  async keep(subject: string, bytes: Uint8Array, told: T): Promise<void> {
    const { mediaType, label, artifactType } = this.#kind;
    if (this.#kept.size >= MAX_LAYERS) {
      const fault = `${artifactType}: expected at most ${MAX_LAYERS}, found more`;
      throw new AgentError('argument_invalid', `${fault}: name fewer images`);
    }
    const blob = await this.#writer.add(bytes, mediaType);
    this.#faults.delete(subject);
    this.#kept.set(subject, { told, layer: { ...blob, annotations: { [label]: subject } } });
  }

  /** Notes why there is none on `subject`. Throws what is no fault of the evidence. */
  fail(subject: string, error: unknown): void {
    if (!(error instanceof AgentError) || error.code === 'argument_invalid') throw error;
    this.#faults.set(subject, error);
  }

  /** The manifest, for the index of the layout; undefined without any. */
  async finish(): Promise<Descriptor | undefined> {
    const { artifactType } = this.#kind;
    if (this.#kept.size === 0) return undefined;
    const config = await this.#writer.add(Buffer.from('{}'), OCI_EMPTY);
    const manifest = await this.#writer.addJson({
      ...{ schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType, config },
      layers: [...this.#kept.values()].map(({ layer }) => layer),
    });
    return { ...manifest, artifactType };
  }
}
