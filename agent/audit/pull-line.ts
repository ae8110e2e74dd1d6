// What a line of the log says of a pull. Pure, and plain data: lines may have to wait in the ledger for earlier ones.
import type { Digest } from '../oci/digest.ts';
import { isDigest } from '../oci/digest.ts';
import type { HistoryRecord } from './history-record.ts';
import { imageKeyOf } from './image-key.ts';
import type { ContainerdReading, PullVerdict } from './journal-reading.ts';

/** containerd's word on what its verifiers said. */
export type ContainerdJudgement = 'allowed' | 'blocked' | 'no_judgement';

/** Names and reasons are attacker-controlled, and cut. */
export type PullLine =
  | { readonly kind: 'verdict'; readonly verdict: HistoryRecord }
  | {
      readonly kind: 'judgement';
      readonly judgement: ContainerdJudgement;
      readonly name: string;
      readonly repository: string;
      readonly digest: Digest;
      readonly reason: string;
      /** Name of the verifier that rejected or failed; null when containerd named none. */
      readonly verifier: string | null;
      /** Why there was no judgement; null when there was one. */
      readonly cause: string | null;
      readonly runtimeMs: number | null;
    }
  /** `requested`: the name as kubelet gave it. */
  | { readonly kind: 'started'; readonly requested: string }
  | {
      readonly kind: 'finished';
      readonly requested: string;
      readonly repository: string;
      readonly digest: Digest;
    }
  | { readonly kind: 'failed'; readonly requested: string; readonly isUnresolved: boolean }
  /** A record of this name was made or changed. */
  | { readonly kind: 'arrived'; readonly name: string }
  /** containerd began anew: what it was pulling, it pulls no more. */
  | { readonly kind: 'restarted' };

/** Longer names are refused by containerd; a reason is for people. */
const MAX_TEXT_LENGTH = 1024;

/** What containerd says; undefined when it is about no pull. */
export function containerdPullLine(event: ContainerdReading): PullLine | undefined {
  const name = cut(event.name);
  switch (event.kind) {
    case 'pull_allowed':
      return judgementLine('allowed', name, event);
    case 'pull_blocked':
      return judgementLine('blocked', name, event);
    case 'no_judgement':
      return judgementLine('no_judgement', name, event);
    case 'pull_started':
      return { kind: 'started', requested: name };
    case 'pull_finished':
      return finishedLine(name, event.repoDigest ?? '');
    case 'pull_failed':
      return { kind: 'failed', requested: name, isUnresolved: isUnresolved(event.error ?? '') };
    case 'image_created':
    case 'image_updated':
      return { kind: 'arrived', name };
    case 'containerd_started':
      return { kind: 'restarted' };
    case 'image_deleted':
    case 'verifiers_skipped':
    case 'pull_fallback':
    case 'containerd_booted':
    case 'other':
      return undefined;
  }
}

function judgementLine(
  judgement: ContainerdJudgement,
  name: string,
  event: ContainerdReading,
): PullLine | undefined {
  const { digest } = event;
  if (digest === undefined) return undefined;
  return {
    kind: 'judgement',
    judgement,
    name,
    repository: repositoryOf(name, digest),
    digest,
    reason: cut(event.reason),
    verifier: event.verifier ?? null,
    cause: event.cause ?? null,
    runtimeMs: event.runtimeMs ?? null,
  };
}

function finishedLine(requested: string, repoDigest: string): PullLine | undefined {
  const digest = repoDigest.slice(repoDigest.lastIndexOf('@') + 1);
  if (!isDigest(digest)) return undefined;
  return { kind: 'finished', requested, repository: repositoryOf(repoDigest, digest), digest };
}

function repositoryOf(name: string, digest: Digest): string {
  return imageKeyOf({ name, target: { mediaType: '', digest, size: 0 } }).repository;
}

// containerd's own words, before which only the quoted name stands; a name that imitates them fails
// as early, because it is none.
function isUnresolved(error: string): boolean {
  return /: failed to (?:resolve|parse) (?:image|reference)\b|^failed to parse image reference\b/.test(
    error,
  );
}

/** The line of the audit trail that a verdict of the pull verifier makes. */
export function pullRecord(verdict: PullVerdict): HistoryRecord {
  const { repository, digest, via = null, mode = 'enforce' } = verdict;
  const { decision, reason, message, inconclusive, policy, signature, signer } = verdict;
  const { policyHash, trustHash, time, durationMs } = verdict;
  const name = cut(verdict.name ?? (digest === null ? repository : `${repository}@${digest}`));
  return {
    ...{ time, kind: 'pull', repository, digest, name, decision, reason, message, inconclusive },
    ...{ mode, policy, signature, signer, policyHash, trustHash, durationMs, via, before: null },
  };
}

function cut(text = ''): string {
  return text.slice(0, MAX_TEXT_LENGTH).toWellFormed();
}
