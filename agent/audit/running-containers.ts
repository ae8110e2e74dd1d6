// What runs on the node, as the ledger keeps it.
import type { DatabaseSync } from 'node:sqlite';
import type { Controller, LedgerContainer, NodeContainer } from './container.ts';
import { ContainerTable } from './container-table.ts';
import { guard, inTransaction } from './database.ts';
import { MomentTable } from './moment-table.ts';

/** As of the ledger, every method throws `ledger_failed`, and every write is one transaction. */
export class RunningContainers {
  readonly #database: DatabaseSync;
  readonly #containers: ContainerTable;
  readonly #moments: MomentTable;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#containers = new ContainerTable(database);
    this.#moments = new MomentTable(database);
  }

  /** Makes them those of a complete list. Returns whether anything changed. */
  reconcile(containers: readonly NodeContainer[], now: Date): boolean {
    return this.#write('reconcile the containers', () => {
      this.#moments.last('containers_listed', now);
      return this.#containers.reconcile(containers);
    });
  }

  /** Those of the last list. */
  all(): LedgerContainer[] {
    return guard('read the containers', () => this.#containers.all());
  }

  /** Ids of their pods of which it is not known what made them. */
  podsUnknown(): string[] {
    return guard('read the pods', () => this.#containers.podsUnknown());
  }

  /** Records what made pods; null: nothing did. */
  recordControllers(controllers: ReadonlyMap<string, Controller | null>): void {
    this.#write('record what made pods', () => {
      for (const [uid, controller] of controllers) this.#containers.control(uid, controller);
    });
  }

  #write<T>(attempt: string, work: () => T): T {
    return guard(attempt, () => inTransaction(this.#database, work));
  }
}
