// Which journalctl reads which journal: the host's own where there is one, else the one that we brought.

/** A journalctl, and what makes it read the host's journal. */
export interface JournalReader {
  /** For logs and messages. */
  readonly name: string;
  /** The program, with the words before its options. */
  readonly command: readonly [string, ...string[]];
  readonly options: readonly string[];
}

/** The preferred one first. */
export type JournalReaders = readonly [JournalReader, ...JournalReader[]];

export interface ReaderSettings {
  /** Where the host's root is mounted. */
  readonly hostRoot: string;
  /** The journalctl that we brought, or the host's where its root is ours. */
  readonly journalctl: string;
  /** Folder of journal files to read instead of the host's journal. */
  readonly directory?: string | undefined;
}

/**
 * The host's own program reads what the host's journald writes, whatever its version; ours may be
 * older and not know a feature of the files. It runs in the host's root, which takes CAP_SYS_CHROOT.
 * Ours reads `/var/log/journal` and `/run/log/journal` below the host's root, so that it finds both
 * kinds of journal, and the one after journald has turned from one to the other.
 */
export function journalReaders({
  hostRoot,
  journalctl,
  directory,
}: ReaderSettings): JournalReaders {
  const own = { name: 'journalctl', command: [journalctl] } as const;
  if (directory !== undefined) return [{ ...own, options: [`--directory=${directory}`] }];
  if (hostRoot === '/') return [{ ...own, options: [] }];
  const host: JournalReader = {
    name: 'journalctl of the host',
    command: ['chroot', hostRoot, 'journalctl'],
    options: [],
  };
  return [host, { ...own, options: [`--root=${hostRoot}`] }];
}

/** A reader that brings nothing twice in a row makes room for the next; once may be the journal's fault. */
const MAX_FAILURES = 2;

/** Says who is to read next, by how the last runs ended. */
export class ReaderChoice {
  readonly #readers: JournalReaders;
  #index = 0;
  #failures = 0;

  constructor(readers: JournalReaders) {
    this.#readers = readers;
  }

  get current(): JournalReader {
    return this.#readers[this.#index] ?? this.#readers[0];
  }

  /**
   * Takes how a run ended. Returns whether another reader is to take over now. Once that one ends, the
   * preferred one has one more try.
   */
  ended(isFruitless: boolean): boolean {
    if (this.#index > 0) {
      this.#index = 0;
      this.#failures = MAX_FAILURES - 1;
      return false;
    }
    this.#failures = isFruitless ? this.#failures + 1 : 0;
    if (this.#failures < MAX_FAILURES || this.#readers.length === 1) return false;
    this.#index = 1;
    return true;
  }
}
