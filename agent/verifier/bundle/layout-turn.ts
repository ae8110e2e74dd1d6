// Writers of a layout change it one after the other. Whoever's turn it is holds a directory in the layout, and makes every
// change by a move out of it or into it: once another has taken the turn over, no move succeeds any more.
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { AgentError } from '../../errors.ts';

/** The directory of whoever's turn it is; the names of all others' begin with it. */
const TURN = '.writing';
/** Each move is seen at the directory that it is out of or into: who makes none for so long was killed. */
const DEAD_MS = 30_000;
/** The same of who still prepares, which takes longer. */
const LEFTOVER_MS = 24 * 3600 * 1000;
const POLL_MS = 50;

/** Whether a name in a layout is of its writers alone. */
export function isOfWriters(name: string): boolean {
  return name === TURN || name.startsWith(`${TURN}-`);
}

/** A writer: it prepares files beside the layout, takes its turn, and then moves them to their places. */
export class LayoutTurn {
  readonly #directory: string;
  readonly #taken: string;
  readonly #id: string;
  /** First its own and then that of the turn. As `#inner` is in it, no other is moved to where it is. */
  #outer: string;
  #begunMs = 0;

  private constructor(directory: string, outer: string) {
    this.#directory = directory;
    this.#taken = join(directory, TURN);
    this.#id = basename(outer);
    this.#outer = outer;
  }

  static async open(directory: string): Promise<LayoutTurn> {
    const turn = new LayoutTurn(directory, await mkdtemp(join(directory, `${TURN}-`)));
    await mkdir(turn.#inner);
    return turn;
  }

  /** Named as no other's: what is another's turn by now has no such directory. */
  get #inner(): string {
    return join(this.#outer, this.#id);
  }

  /** Writes a file that `place` moves. */
  async prepare(name: string, bytes: Uint8Array): Promise<void> {
    await writeFile(join(this.#inner, name), bytes, { flush: true });
  }

  /** Waits for those whose turn it is, unless they are dead. Throws `bundle_busy` when the signal fires meanwhile. */
  async take(signal: AbortSignal): Promise<void> {
    for (;;) {
      // Also, nobody takes a turn for dead that has just begun after a long wait.
      this.#begunMs = await this.#beat();
      if (await isMoved(this.#outer, this.#taken)) break;
      if (await this.#isOver(this.#begunMs)) continue;
      if (signal.aborted) throw this.#busy('expected no other writer, found one at work');
      await setTimeout(POLL_MS, undefined, { signal }).catch(() => undefined);
    }
    this.#outer = this.#taken;
  }

  /** Moves what was prepared into the layout. Throws `bundle_busy` once the turn was taken over. */
  async place(name: string, path: string): Promise<void> {
    const target = join(this.#directory, path);
    await mkdir(join(target, '..'), { recursive: true });
    await this.#move(join(this.#inner, name), target);
  }

  /** Moves a file out of the layout. Throws as `place`. */
  async remove(file: string): Promise<void> {
    await this.#move(file, join(this.#inner, 'removed'));
  }

  /** Removes what was left behind by those who were killed as they prepared. */
  async tidy(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!isOfWriters(name) || name === TURN) continue;
      const outer = join(this.#directory, name);
      const inner = await unless(['ENOENT'], stat(join(outer, name)));
      const stats = inner ?? (await unless(['ENOENT'], stat(outer)));
      if (stats === undefined || this.#begunMs - stats.mtimeMs < LEFTOVER_MS) continue;
      await rm(outer, { recursive: true, force: true });
    }
  }

  /** Leaves nothing behind, and the turn to others. */
  async close(): Promise<void> {
    await rm(this.#inner, { recursive: true, force: true });
    // Where it is not empty, it is another's turn already.
    await unless(['ENOENT', 'ENOTEMPTY', 'EEXIST'], rmdir(this.#outer));
  }

  /** Shows that it is alive, and returns the time by the clock of the file system. */
  async #beat(): Promise<number> {
    const file = join(this.#inner, 'beat');
    await writeFile(file, '');
    await rm(file);
    return (await stat(this.#inner)).mtimeMs;
  }

  /** Whether there is no turn to wait for. One that is dead loses its directory, so that it stays dead. */
  async #isOver(nowMs: number): Promise<boolean> {
    const [id] = (await unless(['ENOENT'], readdir(this.#taken))) ?? [];
    if (id === undefined) return true;
    const inner = join(this.#taken, id);
    const stats = await unless(['ENOENT'], stat(inner));
    // What is of a time to come was left by a clock that was wrong.
    if (stats !== undefined && Math.abs(nowMs - stats.mtimeMs) < DEAD_MS) return false;
    // Of several who find it dead, one moves it; and never that of the next turn, which has another name.
    await unless(['ENOENT'], rename(inner, join(this.#inner, id)));
    return true;
  }

  async #move(from: string, to: string): Promise<void> {
    try {
      await rename(from, to);
    } catch (error) {
      if ((await unless(['ENOENT'], stat(this.#inner))) !== undefined) throw error;
      throw this.#busy('another writer took this one for dead');
    }
  }

  #busy(fault: string): AgentError {
    return new AgentError('bundle_busy', `${this.#directory}: ${fault}: try again`);
  }
}

/** A directory is moved to where there is none or an empty one. */
async function isMoved(from: string, to: string): Promise<boolean> {
  const moved = rename(from, to).then(() => true);
  return (await unless(['ENOTEMPTY', 'EEXIST'], moved)) ?? false;
}

/** What is done, or undefined where it fails with one of the codes. */
async function unless<T>(codes: readonly string[], done: Promise<T>): Promise<T | undefined> {
  try {
    return await done;
  } catch (error) {
    if (error instanceof Error && 'code' in error && codes.includes(String(error.code))) {
      return undefined;
    }
    throw error;
  }
}
