// What a journalctl answers when it is asked once: its version, and the newest entry.
import { withDeadline } from '../../deadline.ts';
import { AgentError } from '../../errors.ts';
import { ENTRY_FIELDS, positionOf } from './entry.ts';
import { ExportParser } from './export-format.ts';
import type { JournalReader } from './journal-reader.ts';
import { newestArguments, runJournalctl } from './journalctl.ts';
import type { LogPosition } from './source.ts';

/** It takes 20 ms; many files on a slow disk take longer. */
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * The newest entry of the journal, of any writer, as the reader tells that shows the newest one. Null
 * when none shows any.
 */
export async function readNewest(
  readers: readonly JournalReader[],
  signal: AbortSignal,
): Promise<LogPosition | null> {
  const answers = await Promise.all(readers.map((reader) => newestOf(reader, signal)));
  return answers.reduce(
    (one, other) => (one === null || (other?.realtimeUs ?? 0) > one.realtimeUs ? other : one),
    null,
  );
}

async function newestOf(reader: JournalReader, signal: AbortSignal): Promise<LogPosition | null> {
  const parser = new ExportParser(ENTRY_FIELDS);
  let newest: LogPosition | null = null;
  await collect(reader, newestArguments(reader), signal, (chunk) => {
    for (const entry of parser.feed(chunk)) newest = positionOf(entry);
  });
  return newest;
}

/** What `journalctl --version` starts with. */
const VERSION = /^systemd (\d{1,4})\b/;

/** The version of systemd that a journalctl is of; null when it does not tell. */
async function readVersion(reader: JournalReader, signal: AbortSignal): Promise<number | null> {
  let text = '';
  await collect(reader, ['--version'], signal, (chunk) => {
    text = text === '' ? chunk.toString('latin1', 0, 64) : text;
  });
  const version = VERSION.exec(text)?.[1];
  return version === undefined ? null : Number(version);
}

/** The versions of a reader and of the systemd whose journal it reads. */
export interface OlderReader {
  readonly version: number;
  readonly hostVersion: number;
}

/**
 * Tells whether a reader is older than the host's systemd: it may then not know a feature of the
 * journal's files, and passes over them. Null when it is not, or nobody can tell.
 */
export async function findOlderReader(
  reader: JournalReader,
  hostVersion: (signal: AbortSignal) => Promise<number | null>,
  signal: AbortSignal,
): Promise<OlderReader | null> {
  const [version, host] = await Promise.all([readVersion(reader, signal), hostVersion(signal)]);
  return version !== null && host !== null && version < host
    ? { version, hostVersion: host }
    : null;
}

async function collect(
  reader: JournalReader,
  args: readonly string[],
  signal: AbortSignal,
  take: (chunk: Buffer) => void,
): Promise<void> {
  try {
    await withDeadline(signal, ANSWER_TIMEOUT_MS, async (within) => {
      for await (const chunk of runJournalctl(reader, args, { signal: within })) take(chunk);
    });
  } catch (error) {
    // It always ends, well or not: what it has written is the answer.
    if (!(error instanceof AgentError)) throw error;
  }
}
