// `nodeseal verify`: the verdict on one image, as a pull on a node would get it.
import { readFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { AgentError } from '../errors.ts';
import type { ValidationOutcome, Verdict } from '../notation/verification/verdict.ts';
import { loadPolicyFile } from '../verifier/policy-file.ts';
import { outputFormat, parseArguments, required } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { jsonLine, textLines } from './output.ts';

/** A person waits; a pull is given less. */
const DEADLINE_MS = 60_000;

const HELP = `Usage: nodeseal verify REF --policy FILE --truststore DIR [options]

Gives the verdict on an image, as a pull on a node would get it.

  REF                 registry/repository:tag or registry/repository@digest
  --policy FILE       trust policy document
  --truststore DIR    folder that holds x509/
  --plain-http        speak plain HTTP with the registry (loopback registries always do)
  --registry-ca FILE  PEM of certificate authorities to trust for the registry
  --output FORMAT     text (default) or json

Exit status: 0 allow, 1 deny, 2 could not run (bad arguments, bad policy).
`;

const OPTIONS = {
  policy: { type: 'string' },
  truststore: { type: 'string' },
  'plain-http': { type: 'boolean' },
  'registry-ca': { type: 'string' },
  output: { type: 'string' },
} as const;

/** The command. */
export const verify: Command = {
  name: 'verify',
  summary: 'Give the verdict on one image',
  help: HELP,
  run: runVerify,
};

async function runVerify({ args, stdout, signal }: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseArguments(args, OPTIONS, ['REF']);
  const name = required(positionals[0], 'REF');
  const format = outputFormat(values.output);
  const policyFile = required(values.policy, '--policy FILE');
  const truststoreDir = required(values.truststore, '--truststore DIR');
  // A policy that cannot be carried out is no verdict on the image: the command could not run.
  await loadPolicyFile(policyFile);
  const { createHostVerifier } = await import('../verifier/host-verifier.ts');
  const { createPooledTransport } = await import('../verifier/registry/pooled-transport.ts');
  const ca = await readCa(values['registry-ca']);
  const plainHttp = values['plain-http'] === true ? [name.split('/')[0] ?? ''] : [];
  const registry = { createTransport: createPooledTransport, plainHttp, ...(ca === undefined ? {} : { ca }) };
  const verifier = createHostVerifier({ policyFile, truststoreDir, registry });
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]);
    const verdict = await verifier.verify({ name }, within);
    if (verdict.reason === 'reference_invalid' || verdict.reason === 'digest_invalid') {
      throw new AgentError('argument_invalid', verdict.message);
    }
    stdout.write(format === 'json' ? jsonLine(verdict) : describe(verdict, stdout));
    return verdict.decision === 'allow' ? 0 : 1;
  } finally {
    await verifier.close();
  }
}

async function readCa(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AgentError('argument_invalid', `--registry-ca ${path}: ${String(cause)}`, { cause });
  }
}

const MARKS: Readonly<Record<ValidationOutcome, string>> = {
  passed: '✓',
  failed: '✗',
  inconclusive: '?',
  skipped: '-',
};

function describe(verdict: Verdict, stream: Writable): string {
  const { decision, reason, repository, digest, policy, signature } = verdict;
  const colour = decision === 'allow' ? 'green' : 'red';
  const lines = [
    `  ${reason}: ${verdict.message}`,
    `  image      ${repository}${digest === null ? '' : `@${digest}`}`,
    `  policy     ${policy ?? 'none applies'}`,
    `  signature  ${signature ?? 'none'}`,
    ...verdict.results.map(
      ({ outcome, type, action, message }) =>
        `  ${MARKS[outcome]} ${type.padEnd(18)} ${action.padEnd(8)} ${message}`,
    ),
  ];
  // No colour unless the stream is a terminal, and none where NO_COLOR is set.
  return styleText(['bold', colour], decision, { stream }) + textLines(lines);
}
