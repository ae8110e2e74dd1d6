// The ledger's tables, and how older ledgers become today's.
import { PULL_TABLES } from './pull-schema.ts';
import { FIRST_SCHEMA } from './schema-first.ts';

/** Marks a SQLite file as a ledger ("nsel"), so that no other program's database is migrated. */
export const APPLICATION_ID = 0x6e73656c;

/**
 * One script per version; a ledger of version n has run the first n. A released script is never
 * changed, a new one is added.
 */
export const MIGRATIONS: readonly string[] = [
  FIRST_SCHEMA,
  `
  -- Whether pulls were bound by their verdicts; all were until now.
  ALTER TABLE verdicts ADD COLUMN mode TEXT NOT NULL DEFAULT 'enforce';
  UPDATE verdicts SET mode = 'none' WHERE source = 'reverification';
  ALTER TABLE verdict_totals RENAME TO totals_without_mode;
  CREATE TABLE verdict_totals (
    source TEXT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    mode TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (source, decision, reason, mode)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO verdict_totals SELECT source, decision, reason,
    iif(source = 'reverification', 'none', 'enforce'), count FROM totals_without_mode;
  DROP TABLE totals_without_mode;
  `,
  `
  -- The audit trail: what was decided, in the order in which it was learnt. Ids are never used again,
  -- so that whoever reads on after one misses nothing, whatever retention has taken meanwhile.
  CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    repository TEXT NOT NULL,
    digest TEXT,
    name TEXT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    inconclusive INTEGER NOT NULL,
    mode TEXT NOT NULL,
    policy TEXT,
    signature TEXT,
    signer TEXT,
    policy_hash TEXT,
    trust_hash TEXT,
    duration_ms REAL NOT NULL,
    via TEXT,
    admitted INTEGER,
    cause TEXT,
    before_decision TEXT,
    before_reason TEXT,
    before_ms INTEGER
  ) STRICT;
  CREATE INDEX history_by_time ON history (time_ms);

  -- The last verdict on each image that could tell; what the next one is a change from.
  CREATE TABLE conclusions (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT;
  CREATE TABLE flip_totals (
    before_decision TEXT NOT NULL,
    decision TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (before_decision, decision)
  ) STRICT, WITHOUT ROWID;

  -- How containerd last let each image in and last refused it, and what of ours it had to go by.
  CREATE TABLE handlings (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    admitted INTEGER NOT NULL,
    decision TEXT,
    reason TEXT NOT NULL,
    inconclusive INTEGER NOT NULL,
    mode TEXT NOT NULL,
    policy_hash TEXT,
    trust_hash TEXT,
    time_ms INTEGER NOT NULL,
    PRIMARY KEY (repository, digest, admitted)
  ) STRICT;

  -- Images on which containerd did otherwise than we would, as last found.
  CREATE TABLE disagreements (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT;
  CREATE TABLE disagreement_totals (
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (kind, cause)
  ) STRICT, WITHOUT ROWID;

  -- How far the trail was written to the audit log.
  CREATE TABLE audit_log (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    written_to INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- When containerd made each record and last changed it; whether it named another image before,
  -- which makes the time of its making say nothing of this one.
  ALTER TABLE image_names ADD COLUMN created_ms INTEGER;
  ALTER TABLE image_names ADD COLUMN updated_ms INTEGER;
  ALTER TABLE image_names ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;

  -- Since when the verdicts on an image come to the same, whoever gave them.
  CREATE TABLE standings (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    outcome TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT, WITHOUT ROWID;

  -- Single moments of this node, such as that of the first installation.
  CREATE TABLE moments (
    name TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- What runs now. The image is kept as it was found first: its records may go while it runs.
  CREATE TABLE containers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    pod_uid TEXT NOT NULL,
    pod_namespace TEXT NOT NULL,
    pod_name TEXT NOT NULL,
    image TEXT NOT NULL,
    -- Null where the container does not tell which of several it is.
    repository TEXT,
    digest TEXT,
    created_ms INTEGER
  ) STRICT;
  CREATE INDEX containers_by_digest ON containers (digest);

  -- As Kubernetes told; kind and name are empty where a pod has none.
  CREATE TABLE pod_controllers (
    pod_uid TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- As before; and what runs is here, also when its records are gone.
  DROP VIEW present_images;
  CREATE VIEW present_images AS
    SELECT * FROM images AS image
    WHERE (EXISTS (
      SELECT 1 FROM image_names AS own
      WHERE own.digest = image.digest AND own.repository = image.repository
    ) AND (image.repository <> '' OR NOT EXISTS (
      SELECT 1 FROM image_names AS other
      WHERE other.digest = image.digest AND other.repository <> ''
    ))) OR EXISTS (
      SELECT 1 FROM containers AS own
      WHERE own.digest = image.digest AND own.repository = image.repository
    );
  `,
  `
  -- Images of the agent's own canaries, by the order of their runs.
  CREATE TABLE canaries (
    digest TEXT PRIMARY KEY,
    run INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  PULL_TABLES,
  `
  -- Whether an image may ask its registry when it is due.
  ALTER TABLE reverifications ADD COLUMN asks INTEGER NOT NULL DEFAULT 0;

  -- Of each image a signature that was good: bytes to be verified again, of which nothing is believed.
  CREATE TABLE signatures (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    signature TEXT NOT NULL,
    manifest_type TEXT NOT NULL,
    manifest BLOB NOT NULL,
    envelope BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT;
  CREATE INDEX signatures_by_bytes ON signatures (bytes);
  `,
  `
  -- Pulls whose beginning is told of after their verdict.
  CREATE INDEX pulls_unasked ON pulls (name, judged_us)
    WHERE open = 1 AND end_kind IS NULL AND requested IS NULL;
  `,
  `
  -- Spans of which the log can no longer tell.
  CREATE TABLE gaps (
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    PRIMARY KEY (from_ms, to_ms)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Which images are due, without a look at all the others.
  CREATE INDEX reverifications_by_due ON reverifications (due_ms);
  `,
];
