// The service accounts of this node's pods, for credential provider plugins that want tokens of them.
import type { Config } from '../config.ts';
import { readAccountDetails, requestAccountToken } from '../node/kubernetes/account-token.ts';
import { parseApiServer, SERVICE_ACCOUNT_DIR } from '../node/kubernetes/in-cluster.ts';
import { listPullingPods } from '../node/kubernetes/read-pull-secrets.ts';
import {
  PodAccounts,
  type PodAccountsOptions,
} from '../verifier/registry/credentials/pod-accounts.ts';
import { repositoriesNamed } from './pull-secrets.ts';

/** Of each request: others wait for the answer, and it is kept. */
const NEVER = new AbortController().signal;

/** Undefined where the settings do not ask for it or name no node. */
export function podAccountsOf(
  { serviceAccountTokens, nodeName }: Pick<Config, 'serviceAccountTokens' | 'nodeName'>,
  environment: Readonly<Record<string, string | undefined>>,
  options: Pick<PodAccountsOptions, 'nowMs' | 'onFault'>,
  serviceAccountDir = SERVICE_ACCOUNT_DIR,
): PodAccounts | undefined {
  if (serviceAccountTokens === 'off' || nodeName === undefined) return undefined;
  const api = () => ({ server: parseApiServer(environment), serviceAccountDir });
  return new PodAccounts({
    ...options,
    api: {
      pods: async () => {
        const pods = await listPullingPods(api(), nodeName, NEVER);
        return pods.map((pod) => ({ ...pod, repositories: repositoriesNamed(pod) }));
      },
      account: async (namespace, name) => readAccountDetails(api(), namespace, name, NEVER),
      token: async (pod, audience) => requestAccountToken(api(), pod, audience, NEVER),
    },
  });
}
