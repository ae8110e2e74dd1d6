// The tables of the first ledgers; what became of them is in `schema.ts`.

/** As it was released. */
export const FIRST_SCHEMA = `
  -- How far each journal was read. Written in the transaction of what came of its entries.
  CREATE TABLE journal (
    source TEXT PRIMARY KEY,
    cursor TEXT NOT NULL,
    realtime_us INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE event_totals (
    event TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    last_detail TEXT NOT NULL
  ) STRICT;

  CREATE TABLE verdict_totals (
    source TEXT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (source, decision, reason)
  ) STRICT, WITHOUT ROWID;

  -- The last verdict of each source on each image.
  CREATE TABLE verdicts (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    source TEXT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    inconclusive INTEGER NOT NULL,
    policy TEXT,
    signature TEXT,
    signer TEXT,
    policy_hash TEXT,
    trust_hash TEXT,
    time TEXT NOT NULL,
    duration_ms REAL NOT NULL,
    PRIMARY KEY (repository, digest, source)
  ) STRICT;

  -- An image is a repository and a top-level digest; repository is '' where no name has one.
  CREATE TABLE images (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT;

  -- containerd's records that name an image now. An image without a name is gone.
  CREATE TABLE image_names (
    name TEXT PRIMARY KEY,
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    FOREIGN KEY (repository, digest) REFERENCES images (repository, digest)
  ) STRICT;
  CREATE INDEX image_names_by_digest ON image_names (digest, repository);

  -- Under which policy and trust an image was last re-verified, and when it is to be again.
  CREATE TABLE reverifications (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    policy_hash TEXT,
    trust_hash TEXT,
    due_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT;

  -- containerd keeps three records of one pulled image; that of the config digest has no repository.
  -- It stands for an image of its own only while no other name does.
  CREATE VIEW present_images AS
    SELECT * FROM images AS image
    WHERE EXISTS (
      SELECT 1 FROM image_names AS own
      WHERE own.digest = image.digest AND own.repository = image.repository
    ) AND (image.repository <> '' OR NOT EXISTS (
      SELECT 1 FROM image_names AS other
      WHERE other.digest = image.digest AND other.repository <> ''
    ));
  `;
