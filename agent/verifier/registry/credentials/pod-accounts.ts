// As whom a provider plugin is run: the service accounts of the pods that name an image, as kubelet runs it for each.
import { AgentError } from '../../../errors.ts';
import { hashHex } from '../../../notation/encoding/crypto.ts';
import { repositoryOf } from '../../../oci/reference.ts';
import { inTurn } from './namespaces-in-turn.ts';
import type { AccountRequest } from './provider-response.ts';
import type { OnFault, RepositoryName } from './secret-source.ts';
import { TimedMemory } from './timed-memory.ts';
import type { TokenAttributes } from './token-attributes.ts';

/** A pod, and as whom it pulls. */
export interface AccountPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** '' for none. */
  readonly serviceAccount: string;
  /** `registry/repository` of each of its images. */
  readonly repositories: ReadonlySet<string>;
}

export interface ServiceAccount {
  readonly uid: string;
  readonly annotations: ReadonlyMap<string, string>;
}

/** The API server, as far as it is needed; each rejects with an AgentError. */
export interface AccountApi {
  pods(): Promise<readonly AccountPod[]>;
  /** Null where there is none. */
  account(namespace: string, name: string): Promise<ServiceAccount | null>;
  /** A token of the pod's account that is bound to the pod, for an hour. */
  token(pod: AccountPod, audience: string): Promise<string>;
}

/** One way to run a plugin. */
export interface RunAs {
  /** For whom an answer is kept; '' for everybody. */
  readonly key: string;
  readonly account?: AccountRequest;
}

export interface PodAccountsOptions {
  readonly api: AccountApi;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly onFault: OnFault;
}

const KEPT_MS = 60_000;
/** A pod that was bound to the node since then may be the one whose image is pulled now. */
const FRESH_MS = 2_000;
/** The API server gives tokens for an hour; a plugin is to have most of it. */
const TOKEN_KEPT_MS = 10 * 60_000;
/** A verdict asks several times. */
const FAILURE_MS = 10_000;
/** Pods of a node. */
const MAX_KEPT = 256;
/** Each is a run of a plugin, and its answer one more credential to try. */
const MAX_ACCOUNTS = 8;

/** Whoever asks for the same gets the same for a while. */
export class PodAccounts {
  readonly #options: PodAccountsOptions;
  readonly #pods: TimedMemory<readonly AccountPod[]>;
  readonly #accounts: TimedMemory<ServiceAccount | null>;
  readonly #tokens: TimedMemory<string | AgentError>;

  constructor(options: PodAccountsOptions) {
    const { nowMs } = options;
    this.#options = options;
    this.#pods = new TimedMemory(nowMs, 1);
    this.#accounts = new TimedMemory(nowMs, MAX_KEPT);
    this.#tokens = new TimedMemory(nowMs, MAX_KEPT);
  }

  /** None where no pod of the node names the repository, or none of theirs has what the plugin requires. */
  async of(repository: RepositoryName, attributes: TokenAttributes): Promise<readonly RunAs[]> {
    const pods = await this.#podsNaming(repositoryOf(repository));
    const byAccount = new Map(
      pods.map((pod) => [`${pod.namespace}/${pod.serviceAccount}`, pod] as const),
    );
    const fairly = inTurn(
      [...byAccount.values()].map((pod) => ({ namespace: pod.namespace, value: pod })),
    );
    const chosen = fairly.slice(0, MAX_ACCOUNTS);
    const found = await Promise.all(
      chosen.map((pod) =>
        this.#runAs(pod, attributes).catch((error: unknown) => {
          if (!(error instanceof AgentError)) throw error;
          this.#options.onFault(error);
          return undefined;
        }),
      ),
    );
    return found.filter((one) => one !== undefined);
  }

  async #podsNaming(name: string): Promise<readonly AccountPod[]> {
    const { api } = this.#options;
    const isFor = ({ repositories }: AccountPod) => repositories.has(name);
    const known = await this.#pods.get('', KEPT_MS, () => api.pods());
    if (known.some(isFor)) return known.filter(isFor);
    return (await this.#pods.get('', FRESH_MS, () => api.pods())).filter(isFor);
  }

  async #runAs(pod: AccountPod, attributes: TokenAttributes): Promise<RunAs | undefined> {
    const { namespace, serviceAccount: name } = pod;
    if (name === '') return attributes.requiresAccount ? undefined : { key: '' };
    const { api } = this.#options;
    const account = await this.#accounts.get(`${namespace}/${name}`, KEPT_MS, () =>
      api.account(namespace, name),
    );
    const annotations = account && annotationsFor(account, attributes);
    if (account === null || annotations === null) return undefined;
    const { audience, cacheType } = attributes;
    const token = await this.#token(pod, account.uid, audience);
    const parts = [namespace, name, account.uid, ...Object.entries(annotations).flat()];
    if (cacheType === 'Token') parts.push(hashHex('sha256', Buffer.from(token)));
    return {
      key: JSON.stringify(parts),
      account: { serviceAccountToken: token, serviceAccountAnnotations: annotations },
    };
  }

  /** A failure is not kept for as long as a token is. */
  async #token(pod: AccountPod, accountUid: string, audience: string): Promise<string> {
    const key = `${pod.uid} ${accountUid} ${audience}`;
    const ask = () =>
      this.#options.api.token(pod, audience).catch((error: unknown) => {
        if (error instanceof AgentError) return error;
        throw error;
      });
    const kept = await this.#tokens.get(key, TOKEN_KEPT_MS, ask);
    const found = kept instanceof AgentError ? await this.#tokens.get(key, FAILURE_MS, ask) : kept;
    if (found instanceof AgentError) throw found;
    return found;
  }
}

/** Null where one that is required is not there: accounts opt in by it. */
function annotationsFor(
  { annotations }: ServiceAccount,
  { requiredAnnotations, optionalAnnotations }: TokenAttributes,
): Readonly<Record<string, string>> | null {
  if (!requiredAnnotations.every((key) => annotations.has(key))) return null;
  const told = [...requiredAnnotations, ...optionalAnnotations].flatMap((key) => {
    const value = annotations.get(key);
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(told.sort(([a], [b]) => (a < b ? -1 : 1)));
}
