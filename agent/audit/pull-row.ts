// A pull as a row of the ledger.
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { fateOf, type Pull } from './pull.ts';

/** In the order in which they are written. */
export const PULL_COLUMNS = [
  'id',
  'repository',
  'digest',
  'name',
  'requested',
  'started_us',
  'judged_us',
  'ended_us',
  'decision',
  'mode',
  'containerd',
  'verifier',
  'cause',
  'reason',
  'runtime_ms',
  'end_kind',
  'arrived_us',
  'counted',
  'due_us',
  'history_id',
  'fate',
] as const;

export type PullRow = Readonly<Record<string, SQLOutputValue>>;

/** The values of the columns. */
export function fromPull(pull: Pull): SQLInputValue[] {
  return [
    pull.id,
    pull.repository,
    pull.digest,
    pull.name,
    pull.requested,
    pull.startedUs,
    pull.judgedUs,
    pull.endedUs,
    pull.decision,
    pull.mode,
    pull.containerd,
    pull.verifier,
    pull.cause,
    pull.reason,
    pull.runtimeMs,
    pull.end,
    pull.arrivedUs,
    pull.counted,
    pull.dueUs,
    pull.historyId,
    fateOf(pull),
  ];
}

/** Reads a row back. */
export function toPull(row: PullRow): Pull {
  // The values were written by `fromPull`; a STRICT table keeps their types.
  return {
    id: row['id'],
    repository: row['repository'],
    digest: row['digest'],
    name: row['name'],
    requested: row['requested'],
    startedUs: row['started_us'],
    judgedUs: row['judged_us'],
    endedUs: row['ended_us'],
    decision: row['decision'],
    mode: row['mode'],
    containerd: row['containerd'],
    verifier: row['verifier'],
    cause: row['cause'],
    reason: row['reason'],
    runtimeMs: row['runtime_ms'],
    end: row['end_kind'],
    arrivedUs: row['arrived_us'],
    counted: row['counted'],
    dueUs: row['due_us'],
    historyId: row['history_id'],
  } as Pull;
}
