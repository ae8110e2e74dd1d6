// `nodeseal install`: put verifier, policy and trust on the host once, without staying.
import { parseConfig } from '../config.ts';
import {
  type InstallPreview,
  installOnHost,
  type InstallResult,
  previewInstall,
} from '../node/host/install.ts';
import { outputFormat, parseArguments } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { hostOf, installRequest } from './host-install.ts';
import { jsonLine, textLines } from './output.ts';
import { shownStep, stepLine } from './planned-steps.ts';

const HELP = `Usage: nodeseal install [--dry-run] [--output text|json]

Puts trust stores, policy, settings and verifier on the host, in this order, each written beside its
place and renamed in. Doing it again changes nothing. containerd is not restarted: it looks for
verifiers on every pull. What is installed, and where, is said by the NODESEAL_ settings.

  --dry-run  tell each step that would be done, in order, and change nothing

Exit status: 0 done, 2 could not run.
`;

/** The command. */
export const install: Command = {
  name: 'install',
  summary: 'Put verifier, policy and trust on the host',
  help: HELP,
  run: runInstall,
};

async function runInstall({ args, environment, stdout }: CommandContext): Promise<ExitCode> {
  const options = { 'dry-run': { type: 'boolean' }, output: { type: 'string' } } as const;
  const { values } = parseArguments(args, options, []);
  const format = outputFormat(values.output);
  const config = parseConfig(environment);
  const request = await installRequest(config, hostOf(config));
  if (values['dry-run'] === true) {
    const preview = await previewInstall(request);
    stdout.write(format === 'json' ? previewJson(preview) : previewText(preview));
    return 0;
  }
  const { changed, left } = await installOnHost(request);
  stdout.write(format === 'json' ? jsonLine({ changed, left }) : resultText({ changed, left }));
  return 0;
}

function resultText({ changed, left }: InstallResult): string {
  return textLines([
    ...changed.map((path) => `changed  ${path}`),
    ...left.map((path) => `left     ${path}: changed by others since`),
    ...(changed.length === 0 ? ['nothing to change'] : []),
  ]);
}

function previewJson({ steps, changed, left, drift }: InstallPreview): string {
  return jsonLine({ dryRun: true, changed, left, drift, steps: steps.map(shownStep) });
}

function previewText({ steps, left, drift }: InstallPreview): string {
  return textLines([
    ...drift.map(({ path, kind }) => `found  ${path}: ${kind} by others`),
    ...steps.map(stepLine),
    ...left.map((path) => `would leave  ${path}: changed by others since`),
    ...(steps.length === 0 ? ['nothing to change'] : []),
  ]);
}
