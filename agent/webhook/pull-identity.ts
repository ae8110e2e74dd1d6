// Whose secrets would open the registry: what a pod says of its pull secrets and its service account.
import { isJsonObject, type JsonObject } from '../oci/json-object.ts';

/** What kubelet would look for pull secrets by. Each name is one that Kubernetes lets an object have. */
export interface PullIdentity {
  readonly namespace: string;
  /** `default`, where the pod names none. */
  readonly serviceAccount: string;
  /** Names of Secrets in the namespace, in the order of the pod. */
  readonly pullSecrets: readonly string[];
}

/** A pod that names more has no more luck. */
const MAX_PULL_SECRETS = 20;
/** They become parts of paths: with a slash, one could be of a Secret in another namespace. */
const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** Reads what is of the form; what is not, kubelet would not find either. */
export function pullIdentityOf(namespace: string, podSpec: JsonObject | undefined): PullIdentity {
  const { serviceAccountName: account, imagePullSecrets: secrets } = podSpec ?? {};
  const list: readonly unknown[] = Array.isArray(secrets) ? secrets : [];
  const names = list.map((one) => (isJsonObject(one) ? one['name'] : undefined)).filter(isName);
  return {
    namespace: isName(namespace) ? namespace : '',
    serviceAccount: isName(account) ? account : 'default',
    pullSecrets: names.slice(0, MAX_PULL_SECRETS),
  };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}
