// `nodeseal install`: put verifier, policy and trust on the host once, without staying.
import { parseConfig } from '../config.ts';
import {
  type InstallPreview,
  installOnHost,
  type InstallResult,
  previewInstall,
} from '../node/host/install.ts';
import { outputFormat, parseArguments } from './arguments.ts';
import { findBinDirs } from './bin-dirs.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { configureContainerd } from './configure-containerd.ts';
import { configureLines } from './containerd-report.ts';
import { hostOf, installRequest } from './host-install.ts';
import { readNodeWarnings, warningLine } from './node-warnings.ts';
import { jsonLine, textLines } from './output.ts';
import { shownStep, stepLine } from './planned-steps.ts';

const HELP = `Usage: nodeseal install [--configure-containerd] [--dry-run] [--output text|json]

Puts trust stores, policy, settings and verifier on the host, in this order, each written beside its
place and renamed in. Doing it again changes nothing. containerd is not restarted for it: it looks
for verifiers on every pull. What is installed is said by the NODESEAL_ settings. The verifier goes
where the running containerd looks for verifiers (bin_dir), unless NODESEAL_BIN_DIR names another
place; once that has moved, it goes from where it was. What on this node keeps the verifier from being
asked is told on standard error, and changes no exit status.

  --configure-containerd  where containerd's configuration keeps it from asking verifiers, make the
                          smallest change that lets them run, and restart containerd; what containerd
                          would not come up with is undone at once
  --dry-run               tell each step that would be done, in order, and change nothing; of
                          containerd's configuration, the difference

Exit status: 0 done; 1 containerd's configuration cannot be changed without taking something away, and
is left as it is; 2 could not run.
`;

/** The command. */
export const install: Command = {
  name: 'install',
  summary: 'Put verifier, policy and trust on the host',
  help: HELP,
  run: runInstall,
};

async function runInstall(context: CommandContext): Promise<ExitCode> {
  const { args, environment, stdout, stderr, signal } = context;
  const options = {
    'configure-containerd': { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    output: { type: 'string' },
  } as const;
  const { values } = parseArguments(args, options, []);
  const format = outputFormat(values.output);
  const config = parseConfig(environment);
  const { binDirs, access, refused } = await findBinDirs(config, signal);
  if (refused !== null) throw refused;
  const host = hostOf(config, binDirs, access);
  const request = await installRequest(config, host);
  const dryRun = values['dry-run'] === true;
  const done = dryRun ? await previewInstall(request) : await installOnHost(request);
  if (format === 'text') stdout.write(isPreview(done) ? previewText(done) : resultText(done));
  const containerd =
    values['configure-containerd'] === true
      ? await configureContainerd(config, host, dryRun, signal)
      : null;
  const found = await readNodeWarnings(config, host, signal);
  // A dry run puts it nowhere.
  const warnings = found.filter(({ code }) => !dryRun || code !== 'verifier_missing');
  if (format === 'json') {
    const files = { ...(isPreview(done) ? shownPreview(done) : done), warnings };
    stdout.write(jsonLine(containerd === null ? files : { ...files, containerd }));
  } else {
    if (containerd !== null) stdout.write(textLines(configureLines(containerd, dryRun)));
    stderr.write(textLines(warnings.map(warningLine)));
  }
  return containerd?.kind === 'obstructed' ? 1 : 0;
}

function resultText({ changed, left }: InstallResult): string {
  return textLines([
    ...changed.map((path) => `changed  ${path}`),
    ...left.map((path) => `left     ${path}: changed by others since`),
    ...(changed.length === 0 ? ['nothing to change'] : []),
  ]);
}

function isPreview(done: InstallResult | InstallPreview): done is InstallPreview {
  return 'steps' in done;
}

function shownPreview({ steps, changed, left, drift }: InstallPreview) {
  return { dryRun: true, changed, left, drift, steps: steps.map(shownStep) };
}

function previewText({ steps, left, drift }: InstallPreview): string {
  return textLines([
    ...drift.map(({ path, kind }) => `found  ${path}: ${kind} by others`),
    ...steps.map(stepLine),
    ...left.map((path) => `would leave  ${path}: changed by others since`),
    ...(steps.length === 0 ? ['nothing to change'] : []),
  ]);
}
