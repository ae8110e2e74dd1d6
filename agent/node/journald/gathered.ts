// Reads a pipe in few large pieces: journalctl writes 4 KiB at a time, and to be woken for each costs more than to read it.
import { getDefaultHighWaterMark, type Readable, setDefaultHighWaterMark } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** After a piece as small as two writes, the writer is slower than we are. */
const SMALL_BYTES = 8192;
/** A pipe holds what journalctl writes in three. */
const GATHER_MS = 1;

/**
 * What `make` returns, whose streams then read nothing before it is asked for. Node has no option for
 * the pipes of a child process, only a default for all streams, which is as before afterwards.
 */
export function notReadingAhead<T>(make: () => T): T {
  const usual = getDefaultHighWaterMark(false);
  setDefaultHighWaterMark(false, 1);
  try {
    return make();
  } finally {
    setDefaultHighWaterMark(false, usual);
  }
}

/**
 * Yields what a stream brings until it is closed, and undefined for each silence. Reads nothing while
 * the consumer is busy, and makes a pause after a small piece, `GATHER_MS` by default; what comes after
 * a longer time is read at once. A stream that fails is one that is closed.
 */
export async function* readGathered(
  stream: Readable,
  silenceMs: () => number,
  pause: () => Promise<unknown> = async () => delay(GATHER_MS),
): AsyncGenerator<Buffer | undefined, void> {
  const news = new News(stream);
  let paused: Promise<unknown> | undefined;
  for (;;) {
    const isSilent = !(await news.within(silenceMs()));
    if (isSilent) yield undefined;
    await paused;
    if (news.isLast) return;
    // Null when it was told of its end, which comes to be known by reading it.
    const piece = isSilent ? null : (stream.read() as Buffer | null);
    if (piece === null) continue;
    // The first piece after a pause was read before it: to pause for that, too, is to let the pipe fill up.
    const isEnough = piece.length > SMALL_BYTES || paused !== undefined;
    paused = isEnough ? undefined : pause();
    yield piece;
  }
}

/** That there is something to read, told once, or that there is nothing more. */
class News {
  isLast = false;
  #isThere = false;
  #tell: (() => void) | undefined;

  constructor(stream: Readable) {
    stream.on('readable', () => {
      this.#come();
    });
    stream.once('close', () => {
      this.isLast = true;
      this.#come();
    });
    stream.on('error', () => {
      // Told by 'close'.
    });
  }

  /** Whether there are any within this time. */
  async within(ms: number): Promise<boolean> {
    if (!this.#isThere && !(await this.#wait(ms))) return false;
    this.#isThere = false;
    return true;
  }

  #come(): void {
    this.#isThere = true;
    this.#tell?.();
  }

  async #wait(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = ms === Infinity ? undefined : setTimeout(resolve, ms, false);
      this.#tell = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
