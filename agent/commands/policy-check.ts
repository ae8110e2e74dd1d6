// `nodeseal policy check`: every fault and warning of a trust policy document.
import { checkPolicy } from '../notation/trustpolicy/check.ts';
import { readPolicyFile } from '../verifier/policy-file.ts';
import { outputFormat, parseArguments, required } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { jsonLine, textLines } from './output.ts';

const HELP = `Usage: nodeseal policy check FILE [--output text|json]

Reports every fault of a trust policy document, each with its place, and warns of what its author
may not have meant.

Exit status: 0 valid (there may be warnings), 1 invalid, 2 could not run (no such file).
`;

/** The command. */
export const policyCheck: Command = {
  name: 'policy check',
  summary: 'Report the faults of a trust policy document',
  help: HELP,
  run: runPolicyCheck,
};

async function runPolicyCheck({ args, stdout }: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseArguments(args, { output: { type: 'string' } }, ['FILE']);
  const file = required(positionals[0], 'FILE');
  const format = outputFormat(values.output);
  const check = checkPolicy(await readPolicyFile(file));
  stdout.write(format === 'json' ? jsonLine({ file, ...check }) : describe(file, check));
  return check.valid ? 0 : 1;
}

function describe(
  file: string,
  { valid, faults, warnings }: ReturnType<typeof checkPolicy>,
): string {
  return textLines([
    `${file}: ${valid ? 'valid' : 'invalid'}`,
    ...faults.map((fault) => `  fault    ${fault}`),
    ...warnings.map((warning) => `  warning  ${warning}`),
  ]);
}
