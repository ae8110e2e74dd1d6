// One run of a journalctl: what it writes until it ends, and what it says meanwhile.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { AgentError } from '../../errors.ts';
import { Complaints } from './complaints.ts';
import { ENTRY_FIELDS } from './entry.ts';
import { notReadingAhead, readGathered } from './gathered.ts';
import type { JournalReader } from './journal-reader.ts';

/** The entry at a cursor and what follows it, or what was received at or after a time. */
export type JournalStart = { readonly cursor: string } | { readonly sinceUs: number };

// Entries of all writers, as few of their fields as will do.
function entries(moreFields: readonly string[]): string[] {
  const fields = [...ENTRY_FIELDS, ...moreFields].filter((name) => !name.startsWith('__'));
  const output = ['--output=export', '--all', `--output-fields=${fields.join(',')}`];
  return [...output, '--no-pager', '--quiet', '--merge'];
}

/**
 * The arguments of a following journalctl. `--follow` restricts itself to the current boot in
 * systemd 250 to 257, which would hide what was logged between our last entry and a reboot: there
 * `--merge` prevents it, in 250 and 251 together with a `--boot=all` *after* `--follow`, and from 258
 * `--boot=all` does. `--cursor` rather than `--after-cursor`: the latter skips an entry unseen, also
 * when the cursor is gone and that entry is another (see `Progress`). No match for our unit: journald
 * numbers the entries of all units together, and only a number passed over shows that one is missing.
 */
export function followArguments(
  { options }: JournalReader,
  start: JournalStart,
  moreFields: readonly string[] = [],
): string[] {
  return [
    ...entries(moreFields),
    ...['--follow', '--no-tail', '--boot=all'],
    ...options,
    'cursor' in start ? `--cursor=${start.cursor}` : `--since=@${seconds(start.sinceUs)}`,
  ];
}

/** The arguments of a journalctl that shows the newest entry. */
export function newestArguments({ options }: JournalReader): string[] {
  return [...entries([]), '--lines=1', '--boot=all', ...options];
}

function seconds(us: number): string {
  return `${Math.floor(us / 1e6)}.${String(us % 1e6).padStart(6, '0')}`;
}

export interface RunHooks {
  /** Ends the run. */
  readonly signal: AbortSignal;
  /** After how long without output to yield an empty buffer. Default: never. */
  readonly silenceMs?: () => number;
  /** Gets each line that it writes to stderr while it goes on. */
  readonly onComplaint?: (text: string) => void;
}

const SILENCE = Buffer.alloc(0);

/**
 * Runs a journalctl and yields what it writes, as read, and an empty buffer for each silence; nothing
 * is read while the consumer is busy. Throws `journal_unavailable` when it cannot be started or ends,
 * for whatever reason. On abort, or when the consumer stops, it is killed.
 */
export async function* runJournalctl(
  { name, command: [program, ...words] }: JournalReader,
  args: readonly string[],
  { signal, silenceMs = () => Infinity, onComplaint = () => {} }: RunHooks,
): AsyncGenerator<Buffer, never> {
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  const child = notReadingAhead(() =>
    spawn(program, [...words, ...args], { stdio, env: ENVIRONMENT, cwd: '/' }),
  );
  // It only reads, so there is nothing it could be asked to finish. Nobody waits for its output either:
  // it may be held open by what it has started, or was started by.
  const kill = (): void => {
    child.kill('SIGKILL');
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const complaints = new Complaints(child.stderr);
  const ended = endOf(child, name, complaints);
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  try {
    for await (const piece of readGathered(child.stdout, silenceMs)) {
      complaints.take().forEach(onComplaint);
      yield piece ?? SILENCE;
    }
    // It closed its output: what it says about that is still to come.
    child.kill('SIGKILL');
    await ended;
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
    await ended;
  }
  throw new AgentError('journal_unavailable', await ended);
}

/** journalctl is to say things in English, and to find what chroot leads it to. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
};

// Resolves, never rejects, once the process is gone and its output closed.
async function endOf(
  child: ChildProcessByStdio<null, Readable, Readable>,
  name: string,
  complaints: Complaints,
): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`${name} did not start: ${error.message}`));
    child.once('close', (code, signal) => {
      const how = code === null ? `was killed by ${String(signal)}` : `exited with ${code}`;
      const said = complaints.take().join('; ');
      resolve(`${name} ${how}${said === '' ? '' : `, saying: ${said}`}`);
    });
  });
}
