// The image pull secrets of this node's pods, as a source of credentials.
import type { Config } from '../config.ts';
import { AgentError } from '../errors.ts';
import { parseApiServer, SERVICE_ACCOUNT_DIR } from '../node/kubernetes/in-cluster.ts';
import type { PullingPod } from '../node/kubernetes/pull-secret.ts';
import {
  listPullingPods,
  readPullSecret,
  readServiceAccount,
} from '../node/kubernetes/read-pull-secrets.ts';
import { parseReference, repositoryOf } from '../oci/reference.ts';
import {
  createPullSecretSource,
  type PullSecretSourceOptions,
  type SecretPod,
} from '../verifier/registry/credentials/pull-secret-source.ts';
import type { SecretSource } from '../verifier/registry/credentials/secret-source.ts';
import { wholeImageName } from '../webhook/image-name.ts';

/** Of each request: others wait for the answer, and it is kept. */
const NEVER = new AbortController().signal;

/**
 * Undefined where the settings do not ask for it or name no node. Where no API server is known, each
 * look-up tells so.
 */
export function pullSecretsOf(
  { pullSecrets, nodeName }: Pick<Config, 'pullSecrets' | 'nodeName'>,
  environment: Readonly<Record<string, string | undefined>>,
  options: Pick<PullSecretSourceOptions, 'nowMs' | 'onFault'>,
  serviceAccountDir = SERVICE_ACCOUNT_DIR,
): SecretSource | undefined {
  if (pullSecrets === 'off' || nodeName === undefined) return undefined;
  const api = () => ({ server: parseApiServer(environment), serviceAccountDir });
  return createPullSecretSource({
    ...options,
    api: {
      pods: async () => (await listPullingPods(api(), nodeName, NEVER)).map(secretPod),
      serviceAccount: async (namespace, name) => readServiceAccount(api(), namespace, name, NEVER),
      secret: async (namespace, name) => readPullSecret(api(), namespace, name, NEVER),
    },
  });
}

function secretPod(pod: PullingPod): SecretPod {
  const { namespace, secrets, serviceAccount } = pod;
  return { namespace, repositories: repositoriesNamed(pod), secrets, serviceAccount };
}

/** `registry/repository` of each image of a pod. */
export function repositoriesNamed({ images }: Pick<PullingPod, 'images'>): ReadonlySet<string> {
  return new Set(images.flatMap(repositoryNamed));
}

/** What is no reference is not pulled either. */
function repositoryNamed(image: string): string[] {
  try {
    return [repositoryOf(parseReference(wholeImageName(image)))];
  } catch (error) {
    if (error instanceof AgentError) return [];
    throw error;
  }
}
