// Tokens of the service accounts of this node's pods, and what their accounts are annotated with:
// authentication.k8s.io "TokenRequest".
import { AgentError } from '../../errors.ts';
import { isJsonObject } from '../../oci/json-object.ts';
import { type ApiClientOptions, sendPost, sendRead } from './api-client.ts';
import { parseToken } from './in-cluster.ts';
import { objectAt } from './members.ts';
import { parseJson, type Reply, said } from './reply.ts';

/** Texts that who may write service accounts chose. */
export interface AccountDetails {
  readonly uid: string;
  readonly annotations: ReadonlyMap<string, string>;
}

/** A pod that a token is bound to: it is worth nothing once the pod is gone. */
export interface BoundPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
}

const [OK, CREATED, NOT_FOUND] = [200, 201, 404];

/** Null where there is no such account. Needs the right to get it. Throws `kubernetes_failed`. */
export async function readAccountDetails(
  api: ApiClientOptions,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<AccountDetails | null> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}`;
  const { status, body } = await sendRead(api, { path, accept: 'application/json' }, signal);
  const what = `service account ${namespace}/${name}`;
  if (status === NOT_FOUND) return null;
  const value = parseJson(body);
  if (status !== OK) throw failed(what, `expected 200, found ${status}${said(value)}`);
  const { uid, annotations } = objectAt(value, 'metadata');
  if (typeof uid !== 'string' || uid === '') throw failed(what, 'expected a uid, found none');
  const entries = Object.entries(isJsonObject(annotations) ? annotations : {});
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { uid, annotations: new Map(texts) };
}

/**
 * A token for an audience, for as long as the API server gives by default. Needs the right to create
 * `serviceaccounts/token`. Throws `kubernetes_failed`, which quotes nothing of a token.
 */
export async function requestAccountToken(
  api: ApiClientOptions,
  pod: BoundPod,
  audience: string,
  signal: AbortSignal,
): Promise<string> {
  const { namespace, name, uid, serviceAccount } = pod;
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid };
  const value = {
    ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
    spec: { audiences: [audience], boundObjectRef },
  };
  const reply = await sendPost(api, { path, value }, signal);
  return tokenOf(reply, `token of service account ${namespace}/${serviceAccount}`);
}

function tokenOf({ status, body }: Reply, what: string): string {
  const value = parseJson(body);
  if (status !== CREATED) throw failed(what, `expected 201, found ${status}${said(value)}`);
  const { token } = objectAt(value, 'status');
  return parseToken(typeof token === 'string' ? token : '', what);
}

function failed(what: string, fault: string): AgentError {
  return new AgentError('kubernetes_failed', `${what}: ${fault}`);
}
