// The ledger's tables of pulls, and of the lines that they are told by.

/** A released script is never changed. */
export const PULL_TABLES = `
  -- Each pull once, whatever number of lines tell of it. Open ones may still be told more of.
  CREATE TABLE pulls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repository TEXT NOT NULL,
    digest TEXT,
    name TEXT NOT NULL,
    requested TEXT,
    started_us INTEGER,
    judged_us INTEGER,
    ended_us INTEGER,
    decision TEXT,
    mode TEXT NOT NULL,
    containerd TEXT,
    verifier TEXT,
    cause TEXT,
    reason TEXT NOT NULL,
    runtime_ms REAL,
    end_kind TEXT,
    arrived_us INTEGER,
    counted TEXT,
    due_us INTEGER NOT NULL,
    history_id INTEGER,
    fate TEXT,
    open INTEGER NOT NULL DEFAULT 1
  ) STRICT;
  CREATE INDEX pulls_by_digest ON pulls (digest, repository, id);
  CREATE INDEX pulls_due ON pulls (due_us, id) WHERE open = 1;
  CREATE INDEX pulls_unexplained ON pulls (digest, id) WHERE open = 1 AND decision IS NULL;
  CREATE INDEX pulls_started ON pulls (requested, id)
    WHERE open = 1 AND requested IS NOT NULL AND end_kind IS NULL;
  CREATE INDEX pulls_unjudged ON pulls (name, id)
    WHERE open = 1 AND decision IS NULL AND containerd IS NULL;
  CREATE INDEX pulls_unconfirmed ON pulls (digest, fate, id)
    WHERE open = 1 AND containerd IS NULL AND end_kind IS NULL AND arrived_us IS NULL;
  CREATE INDEX pulls_let_in ON pulls (digest, id)
    WHERE open = 1 AND end_kind IS NULL AND requested IS NULL AND fate = 'let_in';
  CREATE INDEX pulls_awaited ON pulls (name, id)
    WHERE open = 1 AND end_kind IS NULL AND arrived_us IS NULL AND fate = 'let_in';

  CREATE TABLE pull_totals (
    judgement TEXT NOT NULL,
    cause TEXT NOT NULL,
    mode TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (judgement, cause, mode)
  ) STRICT, WITHOUT ROWID;

  -- How far each source of lines is, by their times; null before its first line. Until when it is known
  -- to have been silent. What is older than the floor was told of before the source was there.
  CREATE TABLE line_sources (
    source TEXT PRIMARY KEY,
    frontier_us INTEGER,
    silent_us INTEGER NOT NULL,
    floor_us INTEGER NOT NULL,
    lines INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Only where there are several sources: lines by a hash, so that one that two of them bring counts
  -- once; with its text while an earlier line may still come.
  CREATE TABLE log_lines (
    key BLOB PRIMARY KEY,
    at_us INTEGER NOT NULL,
    source TEXT NOT NULL,
    number INTEGER NOT NULL,
    line TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX log_lines_by_time ON log_lines (at_us);
  CREATE INDEX log_lines_waiting ON log_lines (at_us, source, number) WHERE line IS NOT NULL;
`;
