// `nodeseal policy check`: every fault and warning of a trust policy document.
import { AgentError } from '../errors.ts';
import { checkPolicy, type PolicyCheck } from '../notation/trustpolicy/check.ts';
import { warnOfImages } from '../notation/trustpolicy/coverage.ts';
import type { TrustPolicyDocument } from '../notation/trustpolicy/document.ts';
import { type Finding, Findings } from '../notation/trustpolicy/findings.ts';
import { readPolicyFile } from '../verifier/policy-file.ts';
import { inspectTrustStore } from '../verifier/truststore/inspect.ts';
import { outputFormat, parseArguments, required } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { jsonLine, textLines } from './output.ts';

const HELP = `Usage: nodeseal policy check FILE [options]

Reports every fault of a trust policy document, each with its line and column, and warns of what its
author may not have meant: what notation would refuse, scopes that match no image or fewer than one
may think, a statement for "*" that asks for less than others, signers that are not pinned,
timestamps that are not verified.

  --truststore DIR          warn also of the trust stores that it names, below DIR, the folder that
                            holds x509/: missing, empty or refused ones, and certificates that have
                            expired, will within 30 days, or vouch for nothing
  --containerd-socket PATH  warn also of images on this node that no statement covers
  --output FORMAT           text (default) or json: file, valid, and the lists faults and warnings of
                            path, line, column and message

Exit status: 0 valid (there may be warnings), 1 invalid, 2 could not run (no such file).
`;

const OPTIONS = {
  truststore: { type: 'string' },
  'containerd-socket': { type: 'string' },
  output: { type: 'string' },
} as const;

/** The command. */
export const policyCheck: Command = {
  name: 'policy check',
  summary: 'Report the faults of a trust policy document',
  help: HELP,
  run: runPolicyCheck,
};

async function runPolicyCheck({ args, stdout, signal }: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseArguments(args, OPTIONS, ['FILE']);
  const file = required(positionals[0], 'FILE');
  const format = outputFormat(values.output);
  const { truststore, 'containerd-socket': socket } = values;
  const { document, findings } = await checkFile(file);
  if (document !== undefined) {
    if (truststore !== undefined) warnOfTrustStores(document, truststore, findings);
    if (socket !== undefined) warnOfImages(document, await imageNames(socket, signal), findings);
  }
  const { faults, warnings } = findings;
  const check = { file, valid: document !== undefined, faults, warnings };
  stdout.write(format === 'json' ? jsonLine(check) : describe(check));
  return check.valid ? 0 : 1;
}

async function checkFile(file: string): Promise<PolicyCheck> {
  try {
    return checkPolicy(await readPolicyFile(file));
  } catch (error) {
    // Too large to be looked into, which is as good an answer as any other fault.
    if (!(error instanceof AgentError) || error.code !== 'policy_invalid') throw error;
    const findings = new Findings();
    findings.faultAs('document', error.message);
    return { findings };
  }
}

/** Each store is looked at once, and told of where it is named first. */
function warnOfTrustStores(
  { statements }: TrustPolicyDocument,
  directory: string,
  findings: Findings,
): void {
  const now = new Date();
  const told = new Set<string>();
  for (const [index, { trustStores }] of statements.entries()) {
    const fresh = trustStores.filter((name) => !told.has(name));
    for (const sentence of fresh.flatMap((name) => inspectTrustStore(directory, name, now))) {
      // A directory that is not there at all is the matter with every store.
      if (!told.has(sentence)) findings.warn(`trustPolicies[${index}].trustStores`, sentence);
      told.add(sentence);
    }
    for (const name of fresh) told.add(name);
  }
}

/** Loaded when asked for: a check without a node should not wait for gRPC. */
async function imageNames(socket: string, signal: AbortSignal): Promise<readonly string[]> {
  const { createContainerdClient } = await import('../node/containerd/client.ts');
  const { listImages } = await import('../node/containerd/images.ts');
  const client = createContainerdClient(socket);
  try {
    const { images } = await listImages(client, signal);
    return images.map(({ name }) => name);
  } finally {
    client.close();
  }
}

function describe(check: {
  readonly file: string;
  readonly valid: boolean;
  readonly faults: readonly Finding[];
  readonly warnings: readonly Finding[];
}): string {
  const { file, valid, faults, warnings } = check;
  const width = Math.max(...[...faults, ...warnings].map((finding) => place(finding).length));
  const line = (kind: string, finding: Finding): string =>
    `  ${kind}  ${place(finding).padEnd(width)}${finding.path}: ${finding.message}`;
  return textLines([
    `${file}: ${valid ? 'valid' : 'invalid'}`,
    ...faults.map((fault) => line('fault  ', fault)),
    ...warnings.map((warning) => line('warning', warning)),
  ]);
}

function place({ line, column }: Finding): string {
  return line === undefined ? '' : `${line}:${column ?? 1}  `;
}
