// One line of the audit trail: what was decided on an image, when, by what and why.
import type { Decision, Verdict } from '../notation/verification/verdict.ts';
import type { Digest } from '../oci/digest.ts';
import type { ImageKey } from './image-key.ts';
import type { VerdictMode } from './image-state.ts';

/**
 * `pull`: what came of a pull. `reverification`: a verdict out of band. `flip`: a verdict that says
 * otherwise than the one before. `disagreement`: containerd did otherwise than we would.
 */
export const HISTORY_KINDS = ['pull', 'reverification', 'flip', 'disagreement'] as const;
export type HistoryKind = (typeof HISTORY_KINDS)[number];

/** Who decided: the agent, the verifier with what the host holds, or containerd without either. */
export const HISTORY_VIAS = ['agent', 'host', 'containerd'] as const;
export type HistoryVia = (typeof HISTORY_VIAS)[number];

/** What was decided before: of a flip, by the verdict before; of a disagreement, by containerd. */
export interface Before {
  readonly decision: Decision;
  /** A reason of a verdict, or how a pull without one ended. */
  readonly reason: string;
  /** RFC 3339. */
  readonly time: string;
}

/** One line as it is written. Texts are attacker-controlled; those that are too long are cut. */
export interface HistoryRecord {
  /** When it was decided, RFC 3339. */
  readonly time: string;
  readonly kind: HistoryKind;
  /** `registry/repository`; '' when unknown. */
  readonly repository: string;
  readonly digest: Digest | null;
  /** As whoever asked named the image. */
  readonly name: string;
  readonly decision: Decision;
  /** A reason of a verdict, or how a pull without one ended. */
  readonly reason: string;
  readonly message: string;
  /** True when the reason is "could not tell" rather than "no". */
  readonly inconclusive: boolean;
  readonly mode: VerdictMode;
  /** Name of the policy statement. */
  readonly policy: string | null;
  /** Digest of the signature manifest. */
  readonly signature: string | null;
  readonly signer: string | null;
  readonly policyHash: string | null;
  readonly trustHash: string | null;
  readonly durationMs: number;
  readonly via: HistoryVia | null;
  /**
   * Of a pull: whether containerd let the image in. Default: as a verdict of ours and its mode have it.
   * Null of what is no pull.
   */
  readonly admitted?: boolean | null;
  /** Of a disagreement: how it came about. Default null. */
  readonly cause?: string | null;
  readonly before: Before | null;
}

/** One line as it is read. Ids grow and are never used again. */
export interface HistoryEntry extends HistoryRecord {
  readonly id: number;
  readonly admitted: boolean | null;
  readonly cause: string | null;
}

/** Whether containerd let the image in; null of what is no pull. */
export function admittedOf({ kind, admitted, decision, mode, via }: HistoryRecord): boolean | null {
  if (kind !== 'pull') return null;
  if (admitted !== undefined && admitted !== null) return admitted;
  const isBinding = mode === 'enforce' || mode === 'none' || via === 'containerd';
  return decision === 'allow' || !isBinding;
}

/** The line of a verdict out of band. `name` is what was asked for. */
export function reverificationRecord(
  { repository, digest, name }: ImageKey & { readonly name?: string },
  verdict: Verdict,
): HistoryRecord {
  return {
    ...verdict,
    kind: 'reverification',
    repository,
    digest,
    name: name ?? (repository === '' ? digest : `${repository}@${digest}`),
    mode: 'none',
    via: 'agent',
    before: null,
  };
}
