// Credentials from the image pull secrets of this node's pods and their service accounts, in memory alone.
import { AgentError } from '../../../errors.ts';
import { repositoryOf } from '../../../oci/reference.ts';
import type { Secret } from './credential.ts';
import { type DockerConfigForm, parseDockerConfig } from './docker-config.ts';
import type { Keyring } from './keyring.ts';
import type { OnFault, RepositoryName, SecretSource } from './secret-source.ts';
import { inTurn } from './namespaces-in-turn.ts';
import { TimedMemory } from './timed-memory.ts';

/** A pod, and how its images are pulled. */
export interface SecretPod {
  readonly namespace: string;
  /** `registry/repository` of each. */
  readonly repositories: ReadonlySet<string>;
  /** Names of its own pull secrets. */
  readonly secrets: readonly string[];
  readonly serviceAccount: string;
}

/** The API server, as far as it is needed; each rejects with an AgentError. */
export interface PullSecretApi {
  pods(): Promise<readonly SecretPod[]>;
  /** Names of the account's pull secrets. */
  serviceAccount(namespace: string, name: string): Promise<readonly string[]>;
  /** Null where there is none. */
  secret(
    namespace: string,
    name: string,
  ): Promise<{ readonly form: DockerConfigForm; readonly document: Uint8Array } | null>;
}

export interface PullSecretSourceOptions {
  readonly api: PullSecretApi;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly onFault: OnFault;
}

/** How long a secret that is no longer there may still be tried. */
const KEPT_MS = 60_000;
/** A pod that was bound to the node since then may be the one whose image is pulled now. */
const FRESH_MS = 2_000;
/** A node has a hundred pods, most of which share theirs. */
const MAX_SECRETS = 64;

/**
 * The secrets of those pods that name the repository; where none does, of all pods of the node: an
 * image outlives its pods, and is verified again. A secret is tried only where its own names match.
 */
export function createPullSecretSource(options: PullSecretSourceOptions): SecretSource {
  const { api, nowMs, onFault } = options;
  const pods = new TimedMemory<readonly SecretPod[]>(nowMs, 1);
  const accounts = new TimedMemory<readonly string[]>(nowMs, MAX_SECRETS);
  const keyrings = new TimedMemory<Keyring | null>(nowMs, MAX_SECRETS);
  const tell = <T>(error: unknown, instead: T): T => {
    if (!(error instanceof AgentError)) throw error;
    onFault(error);
    return instead;
  };

  const choosePods = async (name: string): Promise<readonly SecretPod[]> => {
    const isFor = ({ repositories }: SecretPod): boolean => repositories.has(name);
    const known = await pods.get('', KEPT_MS, () => api.pods());
    if (known.some(isFor)) return known.filter(isFor);
    const fresh = await pods.get('', FRESH_MS, () => api.pods());
    const named = fresh.filter(isFor);
    return named.length > 0 ? named : fresh;
  };

  /** As admission does it, for pods that it did not see: the account's own where the pod has none. */
  const secretsOf = async ({
    namespace,
    secrets,
    serviceAccount,
  }: SecretPod): Promise<string[]> => {
    const isAsked = secrets.length === 0 && serviceAccount !== '';
    const names = isAsked
      ? await accounts
          .get(`${namespace}/${serviceAccount}`, KEPT_MS, () =>
            api.serviceAccount(namespace, serviceAccount),
          )
          .catch((error: unknown) => tell(error, []))
      : secrets;
    return names.map((name) => `${namespace}/${name}`);
  };

  const open = async (key: string): Promise<Keyring | null> => {
    const [namespace = '', name = ''] = key.split('/');
    const found = await api.secret(namespace, name);
    if (found === null) return null;
    // Helpers that it names are not for us: whoever may write a Secret may not choose our programs.
    return parseDockerConfig(found.document, `Secret ${key}`, found.form, onFault).keyring;
  };

  return {
    name: 'pull_secret',
    async lookup(repository: RepositoryName): Promise<readonly Secret[]> {
      const name = repositoryOf(repository);
      const chosen = await choosePods(name);
      const keys = new Set((await Promise.all(chosen.map(secretsOf))).flat());
      const fairly = inTurn([...keys].map((key) => ({ namespace: namespaceOf(key), value: key })));
      const found = await Promise.all(
        fairly.slice(0, MAX_SECRETS).map(async (key) => {
          const keyring = await keyrings
            .get(key, KEPT_MS, () => open(key))
            .catch((error: unknown) => tell(error, null));
          const secrets = keyring?.lookup(name) ?? [];
          return secrets.map((value) => ({ namespace: namespaceOf(key), value }));
        }),
      );
      return inTurn(found.flat());
    },
  };
}

function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}
