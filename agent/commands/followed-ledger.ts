// The ledger, read beside the agent that writes it: when it changes, and when another is in its place.
import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Clock } from '../audit/clock.ts';
import { type Ledger, openLedger } from '../audit/ledger.ts';

/** A burst of writes is looked at once. */
const SETTLE_MS = 100;
/** Notifications are lost where a file system has none. */
const LOOK_AGAIN_MS = 5_000;

/** Opened for reading only; the agent does not wait for it. */
export class FollowedLedger {
  readonly #path: string;
  readonly #clock: Clock;
  #ledger: Ledger;
  #inode: number | undefined;
  #watcher: FSWatcher | undefined;
  #change = new AbortController();

  /** Throws `ledger_failed`. */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    this.#inode = this.#currentInode();
    this.#ledger = openLedger(path, { readOnly: true });
  }

  get history(): Pick<AuditTrail, 'after' | 'beforeLast' | 'lastId'> {
    return this.#ledger.history;
  }

  /** Takes note from now on of what `changed` waits for. */
  watch(): void {
    this.#watcher ??= this.#watchFolder();
  }

  /**
   * Resolves after something was written, or the signal aborted, or now and then without cause.
   * Returns whether it is another ledger now, which was put in the place of the first: its lines are
   * all new. Throws `ledger_failed`.
   */
  async changed(signal: AbortSignal): Promise<boolean> {
    await this.#clock.sleep(LOOK_AGAIN_MS, AbortSignal.any([signal, this.#change.signal]));
    await this.#clock.sleep(SETTLE_MS, signal);
    // Before anything is read: what is written from now on is another change.
    this.#change = new AbortController();
    return this.#reopen();
  }

  close(): void {
    this.#watcher?.close();
    this.#ledger.close();
  }

  // The folder, because SQLite writes beside the ledger, and because the ledger may be replaced.
  #watchFolder(): FSWatcher | undefined {
    const name = basename(this.#path);
    try {
      const watcher = watch(dirname(this.#path), (_, changed) => {
        if (changed?.startsWith(name) === true) this.#change.abort();
      });
      // A watch that fails is as good as none: it is looked at now and then all the same.
      watcher.on('error', () => {
        watcher.close();
      });
      return watcher;
    } catch {
      // As above: the kernel has no watch left, for one.
      return undefined;
    }
  }

  #reopen(): boolean {
    const inode = this.#currentInode();
    // Moved away: there may be another soon, and until then the one that is open has all there is.
    if (inode === undefined || inode === this.#inode) return false;
    const ledger = openLedger(this.#path, { readOnly: true });
    this.#ledger.close();
    this.#ledger = ledger;
    this.#inode = inode;
    return true;
  }

  #currentInode(): number | undefined {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino;
  }
}
