// Holds each verdict of a pull on this node against what the admission webhook would say of the same digest.
import { Bell } from '../bell.ts';
import { AgentError } from '../errors.ts';
import type { Decision } from '../notation/verification/verdict.ts';
import type { AuditTrail } from './audit-trail.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import { isSameHash } from './disagreement.ts';
import type { HistoryEntry } from './history-record.ts';

/** What the webhook would say of an image, and by which policy and trust. */
export interface AdmissionVerdict {
  readonly decision: Decision;
  readonly reason: string;
  readonly inconclusive: boolean;
  readonly policyHash: string | null;
  readonly trustHash: string | null;
}

/** `would_admit`: the webhook would let in what the node refuses. `would_refuse`: it would refuse what the node lets in. */
export const ADMISSION_DISAGREEMENTS = ['would_admit', 'would_refuse'] as const;
/** What is not the same for both; `evidence`: policy and trust are, but not what registries, responders or time told. */
export const ADMISSION_CAUSES = ['policy', 'trust', 'evidence'] as const;

/** What one of them decides otherwise. */
export interface AdmissionDisagreement {
  readonly kind: (typeof ADMISSION_DISAGREEMENTS)[number];
  readonly cause: (typeof ADMISSION_CAUSES)[number];
}

/** How a comparison ended. Of what one of them could not tell there is nothing to compare. */
export const COMPARISON_RESULTS = ['agreed', 'disagreed', 'inconclusive', 'failed'] as const;
export type ComparisonResult = (typeof COMPARISON_RESULTS)[number];

export interface AdmissionComparisonOptions {
  readonly history: Pick<AuditTrail, 'after' | 'lastId'>;
  /** By repository and digest. Rejects with an AgentError. */
  readonly ask: (name: string, signal: AbortSignal) => Promise<AdmissionVerdict>;
  readonly onResult: (result: ComparisonResult) => void;
  readonly onDisagreement: (
    found: AdmissionDisagreement,
    pull: HistoryEntry,
    admission: AdmissionVerdict,
  ) => void;
  /** Null once it works again. */
  readonly onOutcome: (error: AgentError | null) => void;
  readonly clock?: Clock;
}

const PAGE = 100;
/** Kubelet tries again what is refused, every five minutes at last. */
const SAME_MS = 10 * 60_000;
/** Images that are pulled within that time. */
const MAX_KEPT = 1000;
/** After a failure; what was pulled meanwhile is let go. */
const PAUSE_MS = 60_000;

/** Begins with the pulls from now on. */
export class AdmissionComparison {
  readonly #options: AdmissionComparisonOptions;
  readonly #clock: Clock;
  #lastId: number;
  /** When each verdict was compared, the oldest first. */
  readonly #comparedMs = new Map<string, number>();
  readonly #bell = new Bell();

  constructor(options: AdmissionComparisonOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#lastId = options.history.lastId();
  }

  /** There are further lines. */
  wake(): void {
    this.#bell.ring();
  }

  /** Until the signal aborts. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#bell.silence();
      const worked = await this.#compareNew(signal);
      if (worked) {
        await this.#bell.sleep(this.#clock, Infinity, signal);
      } else {
        await this.#clock.sleep(PAUSE_MS, signal);
        this.#lastId = this.#options.history.lastId();
      }
    }
  }

  /** Whether the webhook answered each question. */
  async #compareNew(signal: AbortSignal): Promise<boolean> {
    for (;;) {
      const lines = this.#options.history.after(this.#lastId, { kind: 'pull' }, PAGE);
      for (const pull of lines) {
        if (signal.aborted) return true;
        this.#lastId = pull.id;
        if (this.#isDue(pull) && !(await this.#compare(pull, signal))) return false;
      }
      if (lines.length < PAGE) return true;
    }
  }

  #isDue({ via, mode, digest, repository, ...pull }: HistoryEntry): boolean {
    // Nobody judged: there is nothing to compare.
    if (via === null || via === 'containerd' || mode === 'break_glass') return false;
    if (pull.inconclusive || digest === null || repository === '') return false;
    const { decision, policyHash, trustHash } = pull;
    const key = [repository, digest, decision, policyHash, trustHash].join(' ');
    const nowMs = this.#clock.now().getTime();
    const beforeMs = this.#comparedMs.get(key);
    if (beforeMs !== undefined && Math.abs(nowMs - beforeMs) < SAME_MS) return false;
    this.#comparedMs.delete(key);
    this.#comparedMs.set(key, nowMs);
    const [oldest] = this.#comparedMs.keys();
    if (oldest !== undefined && this.#comparedMs.size > MAX_KEPT) this.#comparedMs.delete(oldest);
    return true;
  }

  async #compare(pull: HistoryEntry, signal: AbortSignal): Promise<boolean> {
    const { ask, onResult, onDisagreement, onOutcome } = this.#options;
    let admission: AdmissionVerdict;
    try {
      admission = await ask(`${pull.repository}@${pull.digest ?? ''}`, signal);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      if (signal.aborted) return true;
      onResult('failed');
      onOutcome(error);
      return false;
    }
    onOutcome(null);
    const found = admissionDisagreement(pull, admission);
    if (found === null) onResult(admission.inconclusive ? 'inconclusive' : 'agreed');
    else {
      onResult('disagreed');
      onDisagreement(found, pull, admission);
    }
    return true;
  }
}

/** Null when they agree, and when the webhook could not tell. */
export function admissionDisagreement(
  pull: HistoryEntry,
  admission: AdmissionVerdict,
): AdmissionDisagreement | null {
  if (admission.inconclusive || pull.decision === admission.decision) return null;
  const kind = pull.decision === 'deny' ? 'would_admit' : 'would_refuse';
  if (!isSameHash(pull.policyHash, admission.policyHash)) return { kind, cause: 'policy' };
  if (!isSameHash(pull.trustHash, admission.trustHash)) return { kind, cause: 'trust' };
  return { kind, cause: 'evidence' };
}
