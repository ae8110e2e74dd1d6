// `nodeseal uninstall`: take off the host exactly what was put there.
import { parseConfig } from '../config.ts';
import { uninstallFromHost } from '../node/host/install.ts';
import { outputFormat, parseArguments } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { hostOf } from './host-install.ts';

const HELP = `Usage: nodeseal uninstall [--output text|json]

Removes the verifier first and then the rest of what was installed. What others have changed since is
left, and said. The ledger stays.

Exit status: 0 done, 2 could not run.
`;

/** The command. */
export const uninstall: Command = {
  name: 'uninstall',
  summary: 'Take off the host what was put there',
  help: HELP,
  run: runUninstall,
};

async function runUninstall({ args, environment, stdout }: CommandContext): Promise<ExitCode> {
  const { values } = parseArguments(args, { output: { type: 'string' } }, []);
  const format = outputFormat(values.output);
  const { root, layout } = hostOf(parseConfig(environment));
  const { removed, left } = await uninstallFromHost({ hostRoot: root, layout });
  if (format === 'json') stdout.write(`${JSON.stringify({ removed, left })}\n`);
  else {
    for (const path of removed) stdout.write(`removed  ${path}\n`);
    for (const { path, reason } of left) stdout.write(`left     ${path}: ${reason}\n`);
    if (removed.length === 0) stdout.write('nothing to remove\n');
  }
  return 0;
}
