// What the ledger's pulls tell of how an image came.
import type { SQLOutputValue } from 'node:sqlite';
import { MAX_PULL_MS, type PullEvidence } from './image-arrival.ts';

/** The record of an image is made before the end of its pull is told, but both have their clocks. */
const END_SKEW_MS = 60 * 1000;
const MICROSECONDS = 1000;

/** To join with images: the last pull by which each came in. One that failed later brought nothing. */
export const PULL_IN = `LEFT JOIN pulls AS pull_in ON pull_in.id = (
    SELECT max(own.id) FROM pulls AS own
    WHERE own.digest = image.digest AND own.repository = image.repository
      AND own.end_kind IS NOT 'failed' AND (own.fate = 'let_in' OR own.end_kind = 'finished'
        OR own.arrived_us IS NOT NULL OR own.containerd = 'allowed'))`;
/** Its columns. */
export const PULL_IN_COLUMNS = `pull_in.id AS pull_in, pull_in.fate AS pull_fate,
    pull_in.mode AS pull_in_mode, pull_in.judged_us,
    coalesce(pull_in.ended_us, pull_in.arrived_us) AS pull_in_us,
    EXISTS (SELECT 1 FROM image_names AS own JOIN pulls AS begun ON begun.name = own.name
      WHERE own.digest = image.digest AND own.repository = image.repository AND begun.open = 1
        AND begun.decision IS NULL AND begun.containerd IS NULL AND begun.end_kind IS NULL
    ) AS is_pulling`;

/** Reads those columns; null where there is none. */
export function pullInEvidence(row: Readonly<Record<string, SQLOutputValue>>): PullEvidence | null {
  if (row['pull_in'] === null) return null;
  const { judged_us: judgedUs, pull_in_us: inUs } = row;
  const judgedUntilMs =
    typeof judgedUs === 'number' ? judgedUs / MICROSECONDS + MAX_PULL_MS : Infinity;
  return {
    isIn: true,
    // What containerd let in although we refused it came around us too.
    isJudged: row['pull_fate'] === 'let_in' && row['pull_in_mode'] !== 'break_glass',
    untilMs: typeof inUs === 'number' ? inUs / MICROSECONDS + END_SKEW_MS : judgedUntilMs,
  };
}
