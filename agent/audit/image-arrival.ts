// How an image came to be on the node, told from evidence only. Pure.
import type { Gap } from './gap-table.ts';

/**
 * `pulled`: our verifier judged its pull and let it in. `bypassed`: it was pulled, and our verifier
 * was not asked, or was overruled by break-glass. `imported`: it was put into the image store by
 * other means than a pull. `present-before-install`: it was there before our verifier. `no-record`:
 * none of these can be told.
 */
export const ARRIVALS = [
  'pulled',
  'imported',
  'present-before-install',
  'bypassed',
  'no-record',
] as const;
export type Arrival = (typeof ARRIVALS)[number];

/** What a record of containerd tells of when the image came. */
export interface RecordTimes {
  /** The record is named by the image's own digest, so it never named another. */
  readonly isPinned: boolean;
  /** The ledger saw it name another image, since it was made. */
  readonly hasMoved: boolean;
  readonly createdMs: number | null;
  /** Also of a change that left the image: of a label. */
  readonly updatedMs: number | null;
}

/** The last pull of an image, or the last by which it came. */
export interface PullEvidence {
  /** The image was let in, as far as is known. */
  readonly isIn: boolean;
  /** By a verdict of ours, be it one that audit mode overruled. */
  readonly isJudged: boolean;
  /** The latest moment at which it can have made a record. */
  readonly untilMs: number;
}

/** What the ledger can know of at all. Null: not yet noted. */
export interface Watch {
  /** When our verifier was first installed on this host. */
  readonly installedMs: number | null;
  /** Since when the ledger has followed journal and image store. */
  readonly beganMs: number | null;
  /** When the last entry of the journal was written that is in the ledger. */
  readonly readToMs: number | null;
  /** Spans whose lines were lost before they were read. */
  readonly gaps: readonly Gap[];
}

export interface ArrivalEvidence {
  readonly records: readonly RecordTimes[];
  readonly firstSeenMs: number;
  readonly pull: PullEvidence | null;
  /** A pull of one of its names has begun, and is not told to its end. */
  readonly isPulling: boolean;
}

/** A large image on a slow line takes its time between the verdict and its record. */
export const MAX_PULL_MS = 60 * 60 * 1000;

/** The earliest and the latest moment at which the image can have come. */
export interface ArrivalSpan {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/**
 * The span that the records leave. A tag may have been moved to the image at any time between its
 * making and its last change; only a record named by digest is exact.
 */
export function arrivalSpan({ records, firstSeenMs }: ArrivalEvidence): ArrivalSpan {
  const spans = records.map((record): ArrivalSpan => {
    const { isPinned, hasMoved, createdMs, updatedMs } = record;
    const createdOrNever = createdMs ?? -Infinity;
    if (isPinned) return { earliestMs: createdOrNever, latestMs: createdMs ?? firstSeenMs };
    const latestMs = updatedMs ?? firstSeenMs;
    return { earliestMs: hasMoved ? latestMs : createdOrNever, latestMs };
  });
  // Its records are gone while it runs.
  if (spans.length === 0) return { earliestMs: -Infinity, latestMs: firstSeenMs };
  const earliestMs = Math.min(...spans.map((span) => span.earliestMs));
  const latestMs = Math.min(...spans.map((span) => span.latestMs));
  // What is seen is there; but what was seen of an image that was removed meanwhile says nothing.
  const isSeenThen = firstSeenMs >= earliestMs;
  return { earliestMs, latestMs: isSeenThen ? Math.min(firstSeenMs, latestMs) : latestMs };
}

/** How the image came; what is not proved is `no-record`. */
export function arrivalOf(evidence: ArrivalEvidence, watch: Watch): Arrival {
  const span = arrivalSpan(evidence);
  const { installedMs, beganMs } = watch;
  // An older pull is of an image that was removed since: this one came by another way.
  const pull = evidence.pull !== null && isOf(evidence.pull, span) ? evidence.pull : null;
  if (pull?.isJudged === true) return 'pulled';
  // Before there was a verifier to ask, none was passed over.
  if (installedMs !== null && span.latestMs < installedMs) return 'present-before-install';
  if (pull !== null) return 'bypassed';
  if (installedMs === null || beganMs === null) return 'no-record';
  const isWatched = span.earliestMs >= Math.max(installedMs, beganMs);
  return isWatched && isUnpulled(evidence, span, watch) ? 'imported' : 'no-record';
}

function isOf({ isIn, untilMs }: PullEvidence, { earliestMs }: ArrivalSpan): boolean {
  return isIn && earliestMs <= untilMs;
}

/**
 * That no pull is known says something only once the journal is read to where one would stand. A pull
 * may be told to its end some time after the record was made: the image is unpacked in between.
 */
function isUnpulled(
  { isPulling }: ArrivalEvidence,
  { earliestMs, latestMs }: ArrivalSpan,
  { readToMs, gaps }: Watch,
): boolean {
  // The end of a pull comes after the record, and alone would tell of it.
  const isHidden = gaps.some(
    ({ fromMs, toMs }) => toMs >= earliestMs && fromMs <= latestMs + MAX_PULL_MS,
  );
  return !isPulling && !isHidden && readToMs !== null && readToMs >= latestMs;
}
