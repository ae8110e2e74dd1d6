// `nodeseal uninstall`: take off the host exactly what was put there.
import { type Clock, SYSTEM_CLOCK } from '../audit/clock.ts';
import { parseConfig } from '../config.ts';
import { AgentError, type ErrorCode } from '../errors.ts';
import {
  previewUninstall,
  uninstallFromHost,
  type UninstallPreview,
  type UninstallResult,
} from '../node/host/install.ts';
import { placeOf } from '../node/host/layout.ts';
import { isListening } from '../node/host/listening.ts';
import { duration, outputFormat, parseArguments } from './arguments.ts';
import { findBinDirs } from './bin-dirs.ts';
import { clearedLines, clearNodeReport } from './clear-node-report.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { type Host, hostOf } from './host-install.ts';
import { jsonLine, textLines } from './output.ts';
import { unconfigureLines } from './containerd-report.ts';
import { shownStep, stepLine } from './planned-steps.ts';
import { removeBreakGlass } from './remove-break-glass.ts';
import { unconfigureContainerd } from './unconfigure-containerd.ts';

/** A pod that is stopping has 30 s by default; it may have had none of them yet. */
const WAIT_MS = 60_000;

const HELP = `Usage: nodeseal uninstall [--dry-run] [--wait DURATION] [--output text|json]

Removes the verifier first, from wherever it was put, and then the rest of what was installed, and a
break-glass file of nodeseal break-glass. What others have changed since is left, and said.
containerd's configuration is put back if install changed it, and containerd is then restarted. With
NODESEAL_NODE_NAME, label and condition of the Node are taken away; should that fail, it is told and no
more. The ledger stays. An agent that still runs would put everything back: it is waited
for while it stops. So this is for when the DaemonSet is gone, not for when a pod of it ends.

  --dry-run  tell each step that would be done, in order, and change nothing
  --wait     how long for a running agent or another installation to end, e.g. 90s (default 1m)

Exit status: 0 done, 2 could not run.
`;

/** The command. */
export const uninstall: Command = {
  name: 'uninstall',
  summary: 'Take off the host what was put there',
  help: HELP,
  run: runUninstall,
};

async function runUninstall({
  args,
  environment,
  stdout,
  stderr,
  signal,
}: CommandContext): Promise<ExitCode> {
  const options = {
    'dry-run': { type: 'boolean' },
    wait: { type: 'string' },
    output: { type: 'string' },
  } as const;
  const { values } = parseArguments(args, options, []);
  const format = outputFormat(values.output);
  const waitMs = duration(values.wait, '--wait', WAIT_MS);
  const config = parseConfig(environment);
  const { binDirs } = await findBinDirs(config, signal);
  const host = hostOf(config, binDirs);
  const dryRun = values['dry-run'] === true;
  const files = dryRun
    ? await previewUninstall({ hostRoot: host.root, layout: host.layout })
    : await uninstallOnceFree(host, waitMs, SYSTEM_CLOCK, signal);
  const done = await withBreakGlass(files, host, dryRun);
  if (format === 'text') stdout.write(isPreview(done) ? previewText(done) : resultText(done));
  // After the verifier: should this fail, pulls are already as they were without us.
  const containerd = await unconfigureContainerd(config, host, dryRun, signal);
  const node = await clearNodeReport(config, environment, dryRun, signal);
  if (format === 'text') {
    stdout.write(textLines(unconfigureLines(containerd, dryRun)));
    if (node !== null) (node.fault === null ? stdout : stderr).write(textLines(clearedLines(node)));
  } else {
    stdout.write(
      jsonLine({
        ...(isPreview(done) ? shownPreview(done) : done),
        ...(containerd.path === null ? {} : { containerd }),
        ...(node === null ? {} : { node }),
      }),
    );
  }
  return 0;
}

/** It has no effect without a verifier; beside one that stays, ending it is for whoever needs it. */
async function withBreakGlass<T extends UninstallResult | UninstallPreview>(
  done: T,
  host: Host,
  dryRun: boolean,
): Promise<T> {
  if (done.left.some(({ path }) => placeOf(host.layout, path) === 'verifier')) return done;
  const path = host.layout.breakGlassFile;
  switch (await removeBreakGlass(host, dryRun)) {
    case 'absent':
      return done;
    case 'theirs':
      return { ...done, left: [...done.left, { path, reason: 'not installed by nodeseal' }] };
    case 'ours': {
      const steps = isPreview(done) ? { steps: [...done.steps, { kind: 'remove', path }] } : {};
      return { ...done, ...steps, removed: [...done.removed, path] };
    }
  }
}

/** They end by themselves. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['agent_running', 'host_busy']);
const TRY_AGAIN_MS = 250;

async function uninstallOnceFree(
  host: Host,
  waitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<UninstallResult> {
  const { root: hostRoot, layout } = host;
  for (let waitedMs = 0; ; waitedMs += TRY_AGAIN_MS) {
    try {
      await assertNoAgent(host);
      return await uninstallFromHost({ hostRoot, layout });
    } catch (error) {
      const isPassing = error instanceof AgentError && PASSING.has(error.code);
      if (!isPassing || waitedMs >= waitMs || signal.aborted) throw error;
    }
    await clock.sleep(TRY_AGAIN_MS, signal);
  }
}

/** It serves its socket for as long as it may change the host, and closes it after its last change. */
async function assertNoAgent({ root, layout }: Host): Promise<void> {
  if (!(await isListening(root, layout.socket))) return;
  throw new AgentError(
    'agent_running',
    `socket ${layout.socket}: expected no agent on this node, found one that would put back what is uninstalled: stop it first (delete its DaemonSet)`,
  );
}

function resultText({ removed, left }: UninstallResult): string {
  return textLines([
    ...removed.map((path) => `removed  ${path}`),
    ...left.map(({ path, reason }) => `left     ${path}: ${reason}`),
    ...(removed.length === 0 ? ['nothing to remove'] : []),
  ]);
}

function isPreview(done: UninstallResult | UninstallPreview): done is UninstallPreview {
  return 'steps' in done;
}

function shownPreview({ steps, removed, left }: UninstallPreview) {
  return { dryRun: true, removed, left, steps: steps.map(shownStep) };
}

function previewText({ steps, left }: UninstallPreview): string {
  return textLines([
    ...steps.map(stepLine),
    ...left.map(({ path, reason }) => `would leave  ${path}: ${reason}`),
    ...(steps.length === 0 ? ['nothing to remove'] : []),
  ]);
}
