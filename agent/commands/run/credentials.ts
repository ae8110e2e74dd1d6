// The credentials of a running agent: sources composed, what is wrong with them told, what was taken counted.
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import type { Config } from '../../config.ts';
import type { AgentError } from '../../errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { createHostReader } from '../../node/host/host-reader.ts';
import type {
  CredentialEvent,
  CredentialSource,
} from '../../verifier/registry/credentials/credential.ts';
import type { HostAccess } from '../../verifier/registry/credentials/host-access.ts';
import { createHostCredentials } from '../../verifier/registry/credentials/host-credentials.ts';
import type { ProviderPlaces } from '../../verifier/registry/credentials/provider-source.ts';
import { TimedMemory } from '../../verifier/registry/credentials/timed-memory.ts';
import { findCredentialProviders } from '../credential-providers.ts';
import { pullSecretsOf } from './pull-secrets.ts';

export interface CredentialsParts {
  readonly config: Config;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** As kubelet gives its plugins; what comes too late for one verdict is known to the next. */
const PROGRAM_TIMEOUT_MS = 60_000;
/** A pull waits 5 s for the agent. */
const WAIT_MS = 3_500;
/** A kubelet with another command line is a kubelet that was restarted. */
const PLACES_MS = 5 * 60_000;
/** As many faults at once as there can be sources, and more than anybody reads. */
const MAX_FAULTS = 64;

/** For the registry client, which is made before there are metrics; before that, nothing is counted. */
export class Credentials {
  metrics: Pick<Metrics, 'countError' | 'countCredential'> | undefined;
  readonly source: CredentialSource;
  readonly #log: CredentialsParts['log'];
  /** Told already. */
  readonly #faults = new Set<string>();

  constructor({ config, environment, clock, log }: CredentialsParts) {
    this.#log = log;
    const nowMs = () => clock.now().getTime();
    const access = hostAccess(config.hostRoot);
    const places = new TimedMemory<ProviderPlaces | null>(nowMs, 1);
    this.source = createHostCredentials({
      host: { access, timeoutMs: PROGRAM_TIMEOUT_MS, environment },
      kubeletDir: config.kubeletDir,
      dockerConfig: config.dockerConfig,
      providers: () => places.get('', PLACES_MS, () => findReadable(config, access)),
      pullSecrets: pullSecretsOf(config, environment, { nowMs, onFault: this.#onFault }),
      loadYaml: async () => (await import('./yaml.ts')).parseYaml,
      onFault: this.#onFault,
      ...{ nowMs, waitMs: WAIT_MS },
    });
  }

  /** For the registry client. */
  readonly onCredential = ({ registry, repository, source }: CredentialEvent): void => {
    this.#log.debug({ registry, repository, credential: source }, 'registry let us in');
    this.metrics?.countCredential(registry, source);
  };

  readonly #onFault = ({ code, message }: AgentError): void => {
    this.metrics?.countError(code);
    if (this.#faults.has(message)) return;
    if (this.#faults.size >= MAX_FAULTS) this.#faults.clear();
    this.#faults.add(message);
    this.#log.warn({ code }, `a source of credentials is of no use: ${message}`);
  };
}

/** The host's files where they are mounted, and its programs in its own root, which takes CAP_SYS_CHROOT. */
function hostAccess(hostRoot: string): HostAccess {
  const reader = createHostReader(hostRoot);
  return {
    read: (path, maxBytes) => reader.read(path, maxBytes),
    async isExecutable(path) {
      const found = await reader.stat(path).catch(() => null);
      return found?.kind === 'file' && found.isExecutable;
    },
    enter: hostRoot === '/' ? [] : ['chroot', hostRoot],
  };
}

/**
 * What kubelet's command line names is not in reach of a pod in which it is not mounted: then the
 * agent has no plugins, and the pull verifier still has. What the settings name must be there.
 */
async function findReadable(config: Config, access: HostAccess): Promise<ProviderPlaces | null> {
  const places = await findCredentialProviders(config);
  if (places === null || config.credentialProviderConfig !== undefined) return places;
  const isHere = (await access.read(places.configFile, 0).catch(() => null)) !== null;
  return isHere ? places : null;
}
