// The front door of nodeseal-verifier, which containerd runs on each pull: exit code 0 allows, any other denies.
import { readFileSync, readSync, statSync, writeSync } from 'node:fs';
import { AgentError } from './errors.ts';
import { NONE_SKIPPED, type Verdict } from './notation/verification/verdict.ts';
import { encodeAnswer } from './pull/answer.ts';
import { type Invocation, MAX_STDIN_BYTES, parseInvocation } from './pull/invocation.ts';
import { judgePull, type JudgedPull } from './pull/judge-pull.ts';
import { recordVerdict } from './pull/record-verdict.ts';
import {
  MAX_SETTINGS_BYTES,
  parseVerifierSettings,
  type VerifierSettings,
} from './pull/verifier-settings.ts';
import { VERSION } from './version.ts';

/** Put in by the build. Not from the environment: containerd's is inherited, and nobody guards it. */
declare const NODESEAL_SETTINGS_FILE: string;
declare const NODESEAL_JOURNAL_SOCKET: string;

const [STDIN, STDOUT, STDERR] = [0, 1, 2] as const;
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
  let invocation: Invocation | undefined;
  let judged: JudgedPull;
  try {
    invocation = parseInvocation(args, readStdin());
    judged = await judgePull(invocation, loadSettings(), started, notice);
  } catch (error) {
    judged = { verdict: denyFor(error, invocation, performance.now() - started), via: 'host' };
  }
  try {
    recordVerdict(NODESEAL_JOURNAL_SOCKET, invocation?.name ?? '', judged);
  } catch (error) {
    notice(`journal: ${String(error)}`);
  }
  finish(`${encodeAnswer(judged.verdict)}\n`, judged.verdict.decision === 'allow' ? 0 : 1);
}

function readStdin(): Uint8Array {
  // One byte more than is allowed, so that too much can be told from just enough.
  const bytes = Buffer.alloc(MAX_STDIN_BYTES + 1);
  let length = 0;
  while (length < bytes.length) {
    const read = readSync(STDIN, bytes, length, bytes.length - length, null);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

function loadSettings(): VerifierSettings {
  const path = NODESEAL_SETTINGS_FILE;
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return parseVerifierSettings(null);
  if (size > MAX_SETTINGS_BYTES) {
    throw new AgentError(
      'setting_invalid',
      `${path}: expected at most ${MAX_SETTINGS_BYTES} bytes, found ${size}`,
    );
  }
  return parseVerifierSettings(readFileSync(path, 'utf8'));
}

function denyFor(error: unknown, invocation: Invocation | undefined, durationMs: number): Verdict {
  const known = error instanceof AgentError ? error : undefined;
  const reason = known?.code ?? 'internal';
  return {
    decision: 'deny',
    reason,
    message: known?.message ?? String(error),
    inconclusive: true,
    repository: '',
    digest: invocation?.digest ?? null,
    policy: null,
    level: null,
    signature: null,
    signer: null,
    results: [],
    skippedSignatures: NONE_SKIPPED,
    policyHash: null,
    trustHash: null,
    time: new Date().toISOString(),
    durationMs,
  };
}

/** containerd shows standard error at debug level only. */
function notice(reason: string): void {
  write(STDERR, `${reason}\n`);
}

function finish(text: string, exitCode: 0 | 1): never {
  write(STDOUT, text);
  process.exit(exitCode);
}

function write(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch {
    // Nobody reads: the exit code alone decides.
  }
}
