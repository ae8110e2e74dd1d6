// Credentials for a pull that this process judges: those that the host itself holds.
import { keepMemoryOutOfCoreDumps } from '../core-dump.ts';
import type { AgentError } from '../errors.ts';
import type { CredentialSource } from '../verifier/registry/credentials/credential.ts';
import type { VerifierSettings } from './verifier-settings.ts';

/** A pull's verdict is due in 8.5 s; plugins that ask a cloud take one or two. */
const PROGRAM_TIMEOUT_MS = 5_000;
const WAIT_MS = 4_000;

/**
 * Loads all that it needs when a registry first asks who is there: most do not. `onFault` is told of
 * what is wrong with a source.
 */
export function lateHostCredentials(
  settings: VerifierSettings,
  onFault: (error: AgentError) => void,
): CredentialSource {
  let loaded: Promise<CredentialSource> | undefined;
  return async (repository) => {
    loaded ??= load(settings, onFault);
    return (await loaded)(repository);
  };
}

async function load(
  { kubeletDir, credentialProviderConfig, credentialProviderBinDir }: VerifierSettings,
  onFault: (error: AgentError) => void,
): Promise<CredentialSource> {
  keepMemoryOutOfCoreDumps();
  const [{ createHostCredentials }, { OWN_HOST }] = await Promise.all([
    import('../verifier/registry/credentials/host-credentials.ts'),
    import('../verifier/registry/credentials/host-access.ts'),
  ]);
  const providers =
    credentialProviderConfig === null || credentialProviderBinDir === null
      ? null
      : { configFile: credentialProviderConfig, binDir: credentialProviderBinDir };
  return createHostCredentials({
    kubeletDir,
    onFault,
    providers: () => Promise.resolve(providers),
    host: { access: OWN_HOST, timeoutMs: PROGRAM_TIMEOUT_MS, environment: process.env },
    loadYaml: async () => (await import('bun')).YAML.parse,
    nowMs: Date.now,
    waitMs: WAIT_MS,
  });
}
