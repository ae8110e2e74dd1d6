// Whose secrets would open the registry: what a pod says of its pull secrets and its service account.
import { isJsonObject, type JsonObject } from '../oci/json-object.ts';

/** What kubelet would look for pull secrets by. Names are not checked. */
export interface PullIdentity {
  readonly namespace: string;
  /** `default`, where the pod names none. */
  readonly serviceAccount: string;
  /** Names of Secrets in the namespace, in the order of the pod. */
  readonly pullSecrets: readonly string[];
}

/** A pod that names more has no more luck. */
const MAX_PULL_SECRETS = 20;

/** Reads what is of the form; what is not, the API server or kubelet would not take either. */
export function pullIdentityOf(namespace: string, podSpec: JsonObject | undefined): PullIdentity {
  const { serviceAccountName: account, imagePullSecrets: secrets } = podSpec ?? {};
  const list: readonly unknown[] = Array.isArray(secrets) ? secrets : [];
  const names = list.flatMap((one) => {
    const name = isJsonObject(one) ? one['name'] : undefined;
    return typeof name === 'string' && name !== '' ? [name] : [];
  });
  return {
    namespace,
    serviceAccount: typeof account === 'string' && account !== '' ? account : 'default',
    pullSecrets: names.slice(0, MAX_PULL_SECRETS),
  };
}
