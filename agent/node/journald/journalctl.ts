// One run of journalctl: its arguments, and its entries until it ends.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { AgentError } from '../../errors.ts';
import { ENTRY_FIELDS, type JournalEntry, toJournalEntry } from './entry.ts';
import { type ExportEntry, ExportParser } from './export-format.ts';

/** Which journal, and which entries of it. */
export interface JournalSource {
  /** Program to run; default `journalctl` from PATH. */
  readonly journalctl?: string;
  /** The host's journal where it is not our own, e.g. `/host/var/log/journal`. */
  readonly directory?: string;
  /** Only entries whose writer was in this unit's cgroup. */
  readonly unit: string;
  /** Only entries of this machine. Without it, entries that others uploaded to this node count too. */
  readonly machineId?: string;
}

/** The entry at a cursor and what follows it, or what was received at or after a time. */
export type JournalStart = { readonly cursor: string } | { readonly sinceUs: number };

/** journalctl says what is wrong in a line; the rest of a flood is drained and dropped. */
const MAX_STDERR_BYTES = 2048;

/**
 * The arguments of a following journalctl. `--follow` restricts itself to the current boot in
 * systemd 250 to 257, which would hide what was logged between our last entry and a reboot: there
 * `--merge` prevents it, in 250 and 251 together with a `--boot=all` *after* `--follow`, and from 258
 * `--boot=all` does. `--cursor` rather than `--after-cursor`: the latter skips an entry unseen, also
 * when the cursor is gone and that entry is another (see `followJournal`).
 */
export function journalctlArguments(source: JournalSource, start: JournalStart): string[] {
  return [
    '--output=export',
    '--all',
    '--follow',
    '--no-tail',
    '--no-pager',
    '--quiet',
    '--merge',
    '--boot=all',
    `--output-fields=${ENTRY_FIELDS.filter((name) => !name.startsWith('__')).join(',')}`,
    ...(source.directory === undefined ? [] : [`--directory=${source.directory}`]),
    'cursor' in start ? `--cursor=${start.cursor}` : `--since=@${seconds(start.sinceUs)}`,
    `_SYSTEMD_UNIT=${source.unit}`,
    ...(source.machineId === undefined ? [] : [`_MACHINE_ID=${source.machineId}`]),
  ];
}

function seconds(us: number): string {
  return `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, '0')}`;
}

/**
 * Runs journalctl and yields its entries in batches of what one read brought; nothing is read while
 * the consumer is busy. Malformed entries go to `onInvalid` and are left out. Throws
 * `journal_unavailable` when journalctl cannot be started or ends, for whatever reason: a follower
 * has no good end. On abort, or when the consumer stops, it is killed.
 */
export async function* readJournalctl(
  source: JournalSource,
  start: JournalStart,
  signal: AbortSignal,
  onInvalid: (error: AgentError) => void,
): AsyncGenerator<JournalEntry[], never> {
  const child = spawn(source.journalctl ?? 'journalctl', journalctlArguments(source, start), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // It only reads, so there is nothing it could be asked to finish.
  const kill = (): void => void child.kill('SIGKILL');
  const ended = endOf(child);
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  try {
    const parser = new ExportParser(ENTRY_FIELDS, onInvalid);
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      const entries = toEntries(parser.feed(chunk), onInvalid);
      if (entries.length > 0) yield entries;
    }
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
    await ended;
  }
  throw new AgentError('journal_unavailable', await ended);
}

function toEntries(
  exported: readonly ExportEntry[],
  onInvalid: (error: AgentError) => void,
): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (const entry of exported) {
    try {
      entries.push(toJournalEntry(entry));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      onInvalid(error);
    }
  }
  return entries;
}

// Resolves, never rejects, once the process is gone and its output closed.
async function endOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<string> {
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8', 0, Math.max(0, MAX_STDERR_BYTES - stderr.length));
  });
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`journalctl did not start: ${error.message}`));
    child.once('close', (code, signal) => {
      const how = code === null ? `was killed by ${String(signal)}` : `exited with ${code}`;
      const said = stderr.trim();
      resolve(`journalctl ${how}${said === '' ? '' : `, saying: ${said}`}`);
    });
  });
}
