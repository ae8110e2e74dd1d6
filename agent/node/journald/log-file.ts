// Follows a log file across rotation: renamed, copied and truncated, compressed. k3s and RKE2 write containerd's log to one.
import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError } from '../../errors.ts';
import { backoffMs, JOURNALCTL_BACKOFF } from './backoff.ts';
import type { JournalEntry } from './entry.ts';
import { FolderChanges } from './log-file-changes.ts';
import type { LogFileContent } from './log-file-content.ts';
import { LineSplitter } from './log-file-lines.ts';
import { LogFilePlace } from './log-file-place.ts';
import { FINGERPRINT_BYTES, isSameFile } from './log-file-position.ts';
import { closeAll, openLogFiles } from './log-file-set.ts';
import { checkFile, type LogFileOwner, unavailable } from './log-file-trust.ts';
import type { FollowIncident, FollowRequest, LogSource } from './source.ts';

/** Which file. */
export interface LogFileOptions extends LogFileOwner {
  /** For this process, i.e. with the host's root before it. */
  readonly path: string;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

/** Changes are told by the kernel; on what it does not watch, such as a network's folder, the file is looked at. */
const LOOK_MS = 1_000;
/** Lines seldom come alone, and each batch costs a write of the ledger. */
const GATHER_MS = 20;
/** How much older than its lines a file may claim to be: clocks are set. */
const CLOCK_SLACK_MS = 60 * 60 * 1000;

/**
 * The lines of a log file as entries, in the order they were written: first those of its elders, then
 * those of the file, for as long as it is followed. An entry has only a message and the time that the
 * line claims; who wrote it is not known, see `openTrusted` for what is.
 *
 * The position names a file by its first bytes, so it is found again under another name, as a copy or
 * compressed. When it is nowhere, reading goes on with the first line that is newer than the last,
 * and that is a `gap`. A file that is missing or not to be trusted is a `restart` each time it is
 * looked for.
 */
export function createLogFileSource(options: LogFileOptions): LogSource {
  return { follow: (request) => followLogFile(options, request) };
}

async function* followLogFile(
  options: LogFileOptions,
  request: FollowRequest,
): AsyncGenerator<readonly JournalEntry[], void> {
  const { signal, onIncident } = request;
  const place = new LogFilePlace(request);
  const changes = new FolderChanges(dirname(options.path));
  let failures = 0;
  try {
    while (!signal.aborted) {
      try {
        for await (const entries of readOn(options, place, changes, request)) {
          failures = 0;
          yield entries;
        }
        await changes.pause(GATHER_MS, signal);
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        failures += 1;
        const waitMs = backoffMs(failures, (options.random ?? Math.random)(), JOURNALCTL_BACKOFF);
        onIncident({ kind: 'restart', error, waitMs });
        await changes.pause(waitMs, signal);
      }
    }
  } finally {
    changes.close();
  }
}

/** From the place to the end of the file that is written now, until that is another. */
async function* readOn(
  options: LogFileOptions,
  place: LogFilePlace,
  changes: FolderChanges,
  { signal, onIncident }: FollowRequest,
): AsyncGenerator<JournalEntry[], void> {
  const report = reportOf(onIncident);
  const files = await openLogFiles(options.path, options, place.timeMs - CLOCK_SLACK_MS, report);
  try {
    const { index, offset } = find(files, place);
    for (const [n, file] of files.slice(index).entries()) {
      if (signal.aborted) return;
      const from = n === 0 ? offset : 0;
      if (file !== files.at(-1)) yield* readElder(file, from, place, signal, report);
      else {
        // What was deleted meanwhile would keep its room on the disk.
        await closeAll(files.slice(0, -1));
        yield* readActive(file, from, { options, place, changes, signal, onIncident });
      }
    }
  } finally {
    await closeAll(files);
  }
}

function reportOf(onIncident: (incident: FollowIncident) => void): (error: AgentError) => void {
  return (error) => {
    onIncident({ kind: 'entry_invalid', error });
  };
}

function find(
  files: readonly LogFileContent[],
  place: LogFilePlace,
): { readonly index: number; readonly offset: number } {
  const { position } = place;
  if (position === undefined) return { index: 0, offset: 0 };
  const index = files.findIndex((file) => file.has(position));
  if (index >= 0) return { index, offset: position.offset };
  place.lose();
  return { index: 0, offset: 0 };
}

async function* readElder(
  file: LogFileContent,
  from: number,
  place: LogFilePlace,
  signal: AbortSignal,
  report: (error: AgentError) => void,
): AsyncGenerator<JournalEntry[], void> {
  const splitter = new LineSplitter(from);
  const head = file.head.subarray(0, FINGERPRINT_BYTES);
  try {
    for await (const chunk of file.from(from)) {
      const entries = place.take(splitter.feed(chunk), file.identity, head);
      if (entries.length > 0) yield entries;
      if (signal.aborted) return;
    }
  } catch (error) {
    // Damaged: read again, it would be no better, and what was written after it must not wait.
    if (!(error instanceof AgentError)) throw error;
    report(error);
  }
  const rest = place.take(splitter.end(), file.identity, head);
  if (rest.length > 0) yield rest;
}

interface Following {
  readonly options: LogFileOptions;
  readonly place: LogFilePlace;
  readonly changes: FolderChanges;
  readonly signal: AbortSignal;
  readonly onIncident: FollowRequest['onIncident'];
}

async function* readActive(
  file: LogFileContent,
  from: number,
  { options, place, changes, signal, onIncident }: Following,
): AsyncGenerator<JournalEntry[], void> {
  const splitter = new LineSplitter(from);
  let head = file.head.subarray(0, FINGERPRINT_BYTES);
  const isAborted = (): boolean => signal.aborted;
  let at = from;
  while (!isAborted()) {
    const before = at;
    for await (const chunk of file.from(at)) {
      // After the chunk was read: truncated and written anew meanwhile, it would be of another content.
      const now = await file.headNow();
      if (!now.subarray(0, head.length).equals(head)) return;
      if (now.length > head.length) head = now;
      at += chunk.length;
      const entries = place.take(splitter.feed(chunk), file.identity, head);
      if (entries.length > 0) yield entries;
      if (isAborted()) return;
    }
    if (at > before) await changes.pause(GATHER_MS, signal);
    else if (await isOver(file, at, options)) return;
    else {
      onIncident({ kind: 'caught_up' });
      await changes.next(LOOK_MS, signal);
    }
  }
}

/**
 * Tells whether the file was truncated, or its writer has begun another: not before something is in
 * that one, because until then more may come to this one.
 */
async function isOver(
  file: LogFileContent,
  offset: number,
  options: LogFileOptions,
): Promise<boolean> {
  try {
    const stats = await file.look();
    checkFile(options.path, stats, options);
    if (stats.size < offset) return true;
    const { dev, ino, size } = await lstat(options.path);
    return !isSameFile(file.identity, { device: dev, inode: ino }) && size > 0;
  } catch (error) {
    if (error instanceof AgentError) throw error;
    // Renamed, and the next one is not there yet.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw unavailable(options.path, error);
  }
}
