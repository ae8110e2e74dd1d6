// Ledger tables of what runs: containers, and what made their pods.
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Digest } from '../oci/digest.ts';
import {
  askedRepository,
  type Controller,
  type LedgerContainer,
  type NodeContainer,
} from './container.ts';

type Row = Readonly<Record<string, SQLOutputValue>>;

/** What a container runs does not change, but it may be told better later; and its records may go. */
const KEEP = `INSERT INTO containers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET digest = excluded.digest, repository = excluded.repository
  WHERE excluded.digest IS NOT NULL AND (digest IS NULL
    OR (digest = excluded.digest AND coalesce(repository, '') = ''
      AND repository IS NOT excluded.repository))`;
const ALL = `SELECT own.*, controller.kind AS controller_kind, controller.name AS controller_name
  FROM containers AS own LEFT JOIN pod_controllers AS controller USING (pod_uid)
  ORDER BY pod_namespace, pod_name, own.name, id`;

export class ContainerTable {
  readonly #ids: StatementSync;
  readonly #keep: StatementSync;
  readonly #forget: StatementSync;
  readonly #digest: StatementSync;
  readonly #repositories: StatementSync;
  readonly #all: StatementSync;
  readonly #podsUnknown: StatementSync;
  readonly #control: StatementSync;
  readonly #prunePods: StatementSync;

  constructor(database: DatabaseSync) {
    this.#ids = database.prepare('SELECT id FROM containers');
    this.#keep = database.prepare(KEEP);
    this.#forget = database.prepare('DELETE FROM containers WHERE id = ?');
    this.#digest = database.prepare('SELECT digest FROM image_names WHERE name = ?');
    this.#repositories = database.prepare(
      'SELECT DISTINCT repository FROM image_names WHERE digest = ?',
    );
    this.#all = database.prepare(ALL);
    this.#podsUnknown = database.prepare(
      `SELECT DISTINCT pod_uid FROM containers
       WHERE pod_uid <> '' AND pod_uid NOT IN (SELECT pod_uid FROM pod_controllers)`,
    );
    this.#control = database.prepare('INSERT OR REPLACE INTO pod_controllers VALUES (?, ?, ?)');
    this.#prunePods = database.prepare(
      'DELETE FROM pod_controllers WHERE pod_uid NOT IN (SELECT pod_uid FROM containers)',
    );
  }

  /** Makes the containers those of a complete list. Returns whether anything changed. */
  reconcile(containers: readonly NodeContainer[]): boolean {
    const gone = new Set(this.#ids.all().map(({ id }) => String(id)));
    let changed = false;
    for (const container of containers) {
      changed = this.#record(container) || changed;
      gone.delete(container.id);
    }
    for (const id of gone) this.#forget.run(id);
    if (gone.size > 0) this.#prunePods.run();
    return changed || gone.size > 0;
  }

  all(): LedgerContainer[] {
    return this.#all.all().map(toContainer);
  }

  /** Pods of which it is not known what made them. */
  podsUnknown(): string[] {
    return this.#podsUnknown.all().map((row) => String(row['pod_uid']));
  }

  /** Records what made a pod; null: nothing did. */
  control(podUid: string, controller: Controller | null): void {
    this.#control.run(podUid, controller?.kind ?? '', controller?.name ?? '');
  }

  #record({ id, name, images, asked, pod, createdAt }: NodeContainer): boolean {
    const digest = this.#digestOf(images);
    const repository = digest === null ? null : this.#repositoryOf(digest, asked);
    const { uid, namespace, name: podName } = pod;
    const createdMs = createdAt?.getTime() ?? null;
    const values = [id, name, uid, namespace, podName, asked, repository, digest, createdMs];
    return this.#keep.run(...values).changes > 0;
  }

  #digestOf(names: readonly string[]): string | null {
    for (const name of names) {
      const digest = this.#digest.get(name)?.['digest'];
      if (typeof digest === 'string') return digest;
    }
    return null;
  }

  /** Of the repositories that hold the content: the one that was asked for, or the only one. */
  #repositoryOf(digest: string, asked: string): string | null {
    const all = this.#repositories.all(digest).map(({ repository }) => String(repository));
    const located = all.filter((repository) => repository !== '');
    if (located.length === 0) return all[0] ?? null;
    const wanted = askedRepository(asked);
    if (located.includes(wanted)) return wanted;
    return located.length === 1 ? (located[0] ?? null) : null;
  }
}

function toContainer(row: Row): LedgerContainer {
  const text = (column: string): string => String(row[column]);
  const createdMs = row['created_ms'];
  const kind = row['controller_kind'];
  return {
    id: text('id'),
    name: text('name'),
    asked: text('image'),
    pod: { uid: text('pod_uid'), namespace: text('pod_namespace'), name: text('pod_name') },
    createdAt: typeof createdMs === 'number' ? new Date(createdMs) : null,
    repository: row['repository'] === null ? null : text('repository'),
    digest: row['digest'] as Digest | null,
    controller:
      typeof kind === 'string' && kind !== '' ? { kind, name: text('controller_name') } : null,
  };
}
