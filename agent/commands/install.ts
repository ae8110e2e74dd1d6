// `nodeseal install`: put verifier, policy and trust on the host once, without staying.
import { parseConfig } from '../config.ts';
import { installOnHost } from '../node/host/install.ts';
import { outputFormat, parseArguments } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { hostOf, installRequest } from './host-install.ts';

const HELP = `Usage: nodeseal install [--output text|json]

Puts trust stores, policy, settings and verifier on the host, in this order, each written beside its
place and renamed in. Doing it again changes nothing. containerd is not restarted: it looks for
verifiers on every pull. What is installed, and where, is said by the NODESEAL_ settings.

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
  const { values } = parseArguments(args, { output: { type: 'string' } }, []);
  const format = outputFormat(values.output);
  const config = parseConfig(environment);
  const host = hostOf(config);
  const { changed, left } = await installOnHost(await installRequest(config, host));
  if (format === 'json') stdout.write(`${JSON.stringify({ changed, left })}\n`);
  else {
    for (const path of changed) stdout.write(`changed  ${path}\n`);
    for (const path of left) stdout.write(`left     ${path}: changed by others since\n`);
    if (changed.length === 0) stdout.write('nothing to change\n');
  }
  return 0;
}
