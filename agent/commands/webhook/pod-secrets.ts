// The image pull secrets of a pod under review, and of its service account, as a source of credentials.
import type { AgentError } from '../../errors.ts';
import type { ApiClientOptions } from '../../node/kubernetes/api-client.ts';
import { readPullSecret, readServiceAccount } from '../../node/kubernetes/read-pull-secrets.ts';
import type { CredentialSource } from '../../verifier/registry/credentials/credential.ts';
import { createCredentialChain } from '../../verifier/registry/credentials/credential-chain.ts';
import { createPullSecretSource } from '../../verifier/registry/credentials/pull-secret-source.ts';
import type { PullIdentity } from '../../webhook/pull-identity.ts';

export interface PodSecretsParts {
  readonly api: ApiClientOptions;
  readonly nowMs: () => number;
  /** Must not throw. */
  readonly onFault: (error: AgentError) => void;
}

/** Of each request: others wait for the answer, and it is kept. */
const NEVER = new AbortController().signal;
/** A review has to be answered; what comes later is known to the next. */
const WAIT_MS = 2_000;

/** As on a node, but that the one pod is known: its own secrets, or else those of its account. */
export function podSecrets(
  { namespace, serviceAccount, pullSecrets }: PullIdentity,
  { api, nowMs, onFault }: PodSecretsParts,
): CredentialSource {
  const pod = { namespace, serviceAccount, secrets: pullSecrets, repositories: new Set<string>() };
  const source = createPullSecretSource({
    ...{ nowMs, onFault },
    api: {
      pods: () => Promise.resolve([pod]),
      serviceAccount: (of, name) => readServiceAccount(api, of, name, NEVER),
      secret: (of, name) => readPullSecret(api, of, name, NEVER),
    },
  });
  return createCredentialChain({ sources: [source], onFault, nowMs, waitMs: WAIT_MS });
}
