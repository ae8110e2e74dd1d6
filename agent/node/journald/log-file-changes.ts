// Waits for something to happen in a folder; where the kernel does not tell, a timer does.
import { type FSWatcher, watch } from 'node:fs';

/** What happens between two waits ends the next one at once. */
export class FolderChanges {
  readonly #folder: string;
  #watcher: FSWatcher | undefined;
  #hasChanged = false;
  #wake: (() => void) | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Waits until something changes in the folder, for `ms` at most, or until the signal aborts. */
  async next(ms: number, signal: AbortSignal): Promise<void> {
    this.#watch();
    if (!this.#hasChanged) await this.#sleep(ms, signal);
    this.#hasChanged = false;
  }

  /** Waits for `ms`, or until the signal aborts. */
  async pause(ms: number, signal: AbortSignal): Promise<void> {
    await this.#sleep(ms, signal, false);
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #watch(): void {
    if (this.#watcher !== undefined) return;
    try {
      const watcher = watch(this.#folder, () => {
        this.#hasChanged = true;
        this.#wake?.();
      });
      watcher.on('error', () => {
        this.close();
      });
      this.#watcher = watcher;
      // Nothing told of what happened before.
      this.#hasChanged = true;
    } catch {
      // There is no such folder yet, or no more watches to be had: the timer does without.
    }
  }

  async #sleep(ms: number, signal: AbortSignal, isWoken = true): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end, { once: true });
      if (isWoken) this.#wake = end;
    });
  }
}
