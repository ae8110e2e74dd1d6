// `nodeseal verify`: the verdict on one image, as a pull on a node would get it.
import { AgentError } from '../errors.ts';
import { createLayout } from '../node/host/layout.ts';
import { loadPolicyFile } from '../verifier/policy-file.ts';
import { duration, outputFormat, parseArguments, required } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { jsonLine } from './output.ts';
import { REGISTRY_OPTIONS, registryOptions } from './registry-arguments.ts';
import { screenOf } from './screen.ts';
import { describeVerdict } from './verdict-report.ts';

/** A person waits; a pull is given less. */
const DEFAULT_TIMEOUT_MS = 60_000;

const HELP = `Usage: nodeseal verify REF --policy FILE --truststore DIR [options]

Gives the verdict on an image, as a pull on a node would get it.

  REF                 registry/repository:tag or registry/repository@digest
  --policy FILE       trust policy document
  --truststore DIR    folder that holds x509/
  --plain-http        speak plain HTTP with the registry (loopback registries always do)
  --registry-ca FILE  PEM of certificate authorities to trust for the registry
  --hosts-dir DIR     folder of HOST/hosts.toml (default /etc/containerd/certs.d)
  --docker-config FILE  config.json with credentials (default as Docker has it), beside those that the
                      host holds
  --plugins DIR       folder of verification plugins, as notation has it (default
                      /opt/nodeseal/plugins)
  --bundle DIR        signatures, CRLs and OCSP responses as \`nodeseal bundle\` writes them:
                      looked into before the registry is asked
  --timeout DURATION  how long it may take, such as 30s or 2m (default 60s); then the verdict is
                      deny, inconclusive
  --verbose           tell every request to a registry on standard error
  --output FORMAT     text (default), a table of the checks, or json, the whole verdict

Exit status: 0 allow, 1 deny, 2 could not run (bad arguments, bad policy).
`;

const OPTIONS = {
  policy: { type: 'string' },
  truststore: { type: 'string' },
  plugins: { type: 'string' },
  bundle: { type: 'string' },
  timeout: { type: 'string' },
  ...REGISTRY_OPTIONS,
  output: { type: 'string' },
} as const;

/** The command. */
export const verify: Command = {
  name: 'verify',
  summary: 'Give the verdict on one image',
  help: HELP,
  run: runVerify,
};

async function runVerify(context: CommandContext): Promise<ExitCode> {
  const { args, environment, stdout, signal } = context;
  const { values, positionals } = parseArguments(args, OPTIONS, ['REF']);
  const name = required(positionals[0], 'REF');
  const format = outputFormat(values.output);
  const timeoutMs = duration(values.timeout, '--timeout', DEFAULT_TIMEOUT_MS);
  const policyFile = required(values.policy, '--policy FILE');
  const truststoreDir = required(values.truststore, '--truststore DIR');
  // A policy that cannot be carried out is no verdict on the image: the command could not run.
  await loadPolicyFile(policyFile);
  const { createHostVerifier } = await import('../verifier/host-verifier.ts');
  const registry = await registryOptions([name], values, context);
  const pluginDir = values.plugins ?? createLayout().pluginDir;
  const bundleDir = values.bundle ?? null;
  const options = { policyFile, truststoreDir, pluginDir, registry, bundleDir };
  const verifier = createHostVerifier(options);
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const verdict = await verifier.verify({ name }, within);
    if (verdict.reason === 'reference_invalid' || verdict.reason === 'digest_invalid') {
      throw new AgentError('argument_invalid', verdict.message);
    }
    const screen = screenOf(stdout, environment);
    stdout.write(format === 'json' ? jsonLine(verdict) : describeVerdict(verdict, screen));
    return verdict.decision === 'allow' ? 0 : 1;
  } finally {
    await verifier.close();
  }
}
