// The front door of nodeseal-verifier, which containerd runs on each pull: exit code 0 allows, any other denies.
import { encodeAnswer } from './pull/answer.ts';
import type { BreakGlass, BreakGlassOrder } from './pull/break-glass.ts';
import { isAbsent, readAll, readHostFile, writeText } from './pull/blocking-file.ts';
import { type Invocation, MAX_STDIN_BYTES, parseInvocation } from './pull/invocation.ts';
import { judgePull } from './pull/judge-pull.ts';
import type { PullMode } from './pull/mode.ts';
import { type DecidedPull, VerdictStream } from './pull/verdict-stream.ts';
import { letIn, refuse } from './pull/unjudged.ts';
import {
  MAX_SETTINGS_BYTES,
  parseVerifierSettings,
  type VerifierSettings,
} from './pull/verifier-settings.ts';
import { VERSION } from './version.ts';

/** Put in by the build. Not from the environment: containerd's is inherited, and nobody guards it. */
declare const NODESEAL_SETTINGS_FILE: string;
declare const NODESEAL_JOURNAL_SOCKET: string;
/** Separated by colons. */
declare const NODESEAL_JOURNAL_DIRECTORIES: string;
declare const NODESEAL_BREAK_GLASS_FILE: string;

const [STDIN, STDOUT, STDERR] = [0, 1, 2] as const;
/** Enough before containerd's 10 s for the answer. */
const RECORD_DEADLINE_MS = 9_400;
const HELP = `nodeseal-verifier ${VERSION}: an image verifier for containerd, which runs it on each pull.

Usage: nodeseal-verifier -name REF -digest DIGEST -stdin-media-type application/vnd.oci.descriptor.v1+json

Standard input is the image's descriptor. Exit code 0 allows the pull, any other denies it; standard output says why.
`;

// Fails closed also where nothing throws: an event loop that runs dry before the verdict exits with this.
process.exitCode = 1;
void main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  if (args.length === 1 && args[0] === '--version') finish(`${VERSION}\n`, 0);
  if (args.length === 1 && args[0] === '--help') finish(HELP, 0);
  const started = performance.now();
  const journal = new VerdictStream({
    socket: NODESEAL_JOURNAL_SOCKET,
    directories: NODESEAL_JOURNAL_DIRECTORIES.split(':'),
  });
  // First of all, and by itself: an emergency may be that nothing else of this works.
  const glass = await findBreakGlass();
  const pull =
    glass.state === 'active' ? letPullIn(glass, args, started) : await decidePull(args, started);
  // Without a journal the verdict is the same, but nobody learns of an allowed pull.
  try {
    journal.record(pull, started + RECORD_DEADLINE_MS);
  } catch (error) {
    notice(`journal: ${String(error)}`);
  }
  const note = glass.state === 'ignored' ? `ignored ${glass.error.message}` : undefined;
  const isIn = pull.verdict.decision === 'allow' || pull.mode === 'audit';
  finish(`${encodeAnswer(pull.verdict, { mode: pull.mode, note })}\n`, isIn ? 0 : 1);
}

function letPullIn(order: BreakGlassOrder, args: readonly string[], started: number): DecidedPull {
  let invocation: Invocation | undefined;
  try {
    invocation = parseInvocation(args, readStdin());
  } catch (error) {
    notice(String(error));
  }
  const verdict = letIn(order, invocation, new Date(), performance.now() - started);
  return { name: invocation?.name ?? '', verdict, via: 'host', mode: 'break_glass' };
}

async function decidePull(args: readonly string[], started: number): Promise<DecidedPull> {
  let invocation: Invocation | undefined;
  // Until the settings say otherwise, and where they cannot be read.
  let mode: PullMode = 'enforce';
  try {
    const settings = loadSettings();
    mode = settings.mode;
    // Where nothing is enforced, neither is a verifier that ends without a verdict.
    if (mode === 'audit') process.exitCode = 0;
    invocation = parseInvocation(args, readStdin());
    const judged = await judgePull(invocation, settings, started, notice);
    return { name: invocation.name, ...judged };
  } catch (error) {
    const verdict = refuse(error, invocation, new Date(), performance.now() - started);
    return { name: invocation?.name ?? '', verdict, via: 'host', mode };
  }
}

/** On nearly every pull there is none, and nothing more is loaded to see that. */
async function findBreakGlass(): Promise<BreakGlass> {
  if (isAbsent(NODESEAL_BREAK_GLASS_FILE)) return { state: 'absent' };
  const { readBreakGlass } = await import('./pull/loaded-late.ts');
  return readBreakGlass(NODESEAL_BREAK_GLASS_FILE, new Date());
}

function readStdin(): Uint8Array {
  return readAll(STDIN, MAX_STDIN_BYTES, 'standard input');
}

function loadSettings(): VerifierSettings {
  const bytes = readHostFile(NODESEAL_SETTINGS_FILE, MAX_SETTINGS_BYTES);
  return parseVerifierSettings(bytes === null ? null : Buffer.from(bytes).toString('utf8'));
}

/** containerd shows standard error at debug level only. */
function notice(reason: string): void {
  writeText(STDERR, `${reason}\n`);
}

function finish(text: string, exitCode: 0 | 1): never {
  writeText(STDOUT, text);
  process.exit(exitCode);
}
