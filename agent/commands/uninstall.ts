// `nodeseal uninstall`: take off the host exactly what was put there.
import { type Clock, SYSTEM_CLOCK } from '../audit/clock.ts';
import { type Config, parseConfig } from '../config.ts';
import { AgentError, type ErrorCode } from '../errors.ts';
import {
  previewUninstall,
  uninstallFromHost,
  type UninstallPreview,
  type UninstallResult,
} from '../node/host/install.ts';
import { placeOf } from '../node/host/layout.ts';
import { isListening } from '../node/host/listening.ts';
import { duration, outputFormat, type OutputFormat, parseArguments } from './arguments.ts';
import { findBinDirs } from './bin-dirs.ts';
import { clearedLines, clearNodeReport } from './clear-node-report.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { type Host, hostOf } from './host-install.ts';
import { jsonLine, textLines } from './output.ts';
import { unconfigureLines } from './containerd-report.ts';
import { shownStep, stepLine } from './planned-steps.ts';
import { removeBreakGlass } from './remove-break-glass.ts';
import { unconfigureContainerd } from './unconfigure-containerd.ts';
import {
  DAEMON_SET_WAIT_MS,
  daemonSetNamed,
  runDaemonSetUninstall,
} from './uninstall-daemon-set.ts';
import { startStaying, untilAborted } from './uninstall-stay.ts';

/** A pod that is stopping has 30 s by default; it may have had none of them yet. */
const WAIT_MS = 60_000;

const HELP = `Usage: nodeseal uninstall [--dry-run | --stay] [--wait DURATION] [--output text|json]
       nodeseal uninstall --daemonset NAMESPACE/NAME [--wait DURATION] [--output text|json]

Removes the verifier first, from wherever it was put, and then the rest of what was installed, and a
break-glass file of nodeseal break-glass. What others have changed since is left, and said.
containerd's configuration is put back if install changed it, and containerd is then restarted. With
NODESEAL_NODE_NAME, label and condition of the Node are taken away; should that fail, it is told and no
more. The ledger stays. An agent that still runs would put everything back: it is waited
for while it stops. So this is for when the DaemonSet is gone, not for when a pod of it ends.

  --dry-run  tell each step that would be done, in order, and change nothing
  --stay     afterwards stay until stopped, and answer /healthz and /readyz where the agent would:
             ready is who has uninstalled
  --wait     how long for a running agent or another installation to end, e.g. 90s (default 1m)

With --daemonset it touches no host itself: it has every pod of that DaemonSet replaced by one that runs
nodeseal uninstall --stay, waits until all are ready (--wait, default 4m), and names the nodes that
are not. Then the DaemonSet can be deleted. It runs in a pod whose service account may get and patch
the DaemonSet and list the pods of its namespace; a Helm hook of the chart does it.

Exit status: 0 done, 1 not all nodes are clean yet, 2 could not run.
`;

/** The command. */
export const uninstall: Command = {
  name: 'uninstall',
  summary: 'Take off the host what was put there',
  help: HELP,
  run: runUninstall,
};

async function runUninstall(context: CommandContext): Promise<ExitCode> {
  const options = {
    'dry-run': { type: 'boolean' },
    stay: { type: 'boolean' },
    daemonset: { type: 'string' },
    wait: { type: 'string' },
    output: { type: 'string' },
  } as const;
  const { values } = parseArguments(context.args, options, []);
  const { 'dry-run': dryRun = false, stay = false, daemonset } = values;
  const format = outputFormat(values.output);
  if ([dryRun, stay, daemonset !== undefined].filter(Boolean).length > 1) {
    const expected = 'expected at most one of --dry-run, --stay and --daemonset';
    throw new AgentError('argument_invalid', expected);
  }
  if (daemonset !== undefined) {
    const name = daemonSetNamed(daemonset);
    const waitMs = duration(values.wait, '--wait', DAEMON_SET_WAIT_MS);
    return runDaemonSetUninstall(context, { name, waitMs, format });
  }
  const waitMs = duration(values.wait, '--wait', WAIT_MS);
  const config = parseConfig(context.environment);
  const staying = stay ? await startStaying(config, context.stderr) : null;
  try {
    await uninstallHere(context, { config, dryRun, waitMs, format });
    staying?.isClean();
    if (staying !== null) await untilAborted(context.signal);
    return 0;
  } finally {
    await staying?.close();
  }
}

interface Asked {
  readonly config: Config;
  readonly dryRun: boolean;
  readonly waitMs: number;
  readonly format: OutputFormat;
}

async function uninstallHere(
  { environment, stdout, stderr, signal }: CommandContext,
  { config, dryRun, waitMs, format }: Asked,
): Promise<void> {
  const { binDirs } = await findBinDirs(config, signal);
  const host = hostOf(config, binDirs);
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
    return;
  }
  stdout.write(
    jsonLine({
      ...(isPreview(done) ? shownPreview(done) : done),
      ...(containerd.path === null ? {} : { containerd }),
      ...(node === null ? {} : { node }),
    }),
  );
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
