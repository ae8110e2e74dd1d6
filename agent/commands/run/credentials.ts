// The credentials of a running agent: what is wrong with their sources told, what registries took counted.
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import type { AgentError } from '../../errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type {
  CredentialEvent,
  CredentialSource,
} from '../../verifier/registry/credentials/credential.ts';
import { createNodeCredentials, type NodeCredentialsParts } from '../node-credentials.ts';

export interface CredentialsParts extends Pick<NodeCredentialsParts, 'config' | 'environment'> {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
}

/** As many faults at once as there can be sources, and more than anybody reads. */
const MAX_FAULTS = 64;

/** For the registry client, which is made before there are metrics; before that, nothing is counted. */
export class Credentials {
  metrics: Pick<Metrics, 'countError' | 'countCredential'> | undefined;
  readonly source: CredentialSource;
  readonly #log: CredentialsParts['log'];
  /** Told already. */
  #faults = new Set<string>();

  constructor({ config, environment, clock, log }: CredentialsParts) {
    this.#log = log;
    const nowMs = () => clock.now().getTime();
    this.source = createNodeCredentials({ config, environment, nowMs, onFault: this.onFault });
  }

  /** For the registry client. */
  readonly onCredential = ({ registry, repository, source }: CredentialEvent): void => {
    this.#log.debug({ registry, repository, credential: source }, 'registry let us in');
    this.metrics?.countCredential(registry, source);
  };

  /** For further sources. */
  readonly onFault = ({ code, message }: AgentError): void => {
    this.metrics?.countError(code);
    if (this.#faults.has(message)) return;
    // Of a set that is cleared the old table keeps all that comes later, until a full collection.
    if (this.#faults.size >= MAX_FAULTS) this.#faults = new Set();
    this.#faults.add(message);
    this.#log.warn({ code }, `a source of credentials is of no use: ${message}`);
  };
}
