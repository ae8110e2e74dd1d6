// Those who follow the journal are told of a new entry at once.
import { loadLibc } from './libc.ts';

/**
 * journald tells its readers of new entries four times a second. They also look when the directory of
 * their journal is changed, and a new time of modification is the least change. A directory that is
 * not there has no readers.
 */
export function wakeJournalReaders(directories: readonly string[]): void {
  for (const path of directories) loadLibc().utimes(Buffer.from(`${path}\0`), null);
}
