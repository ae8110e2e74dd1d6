// A Secret as the API server shows it, and how its entries are replaced. Pure.
import { AgentError } from '../../errors.ts';
import { isJsonObject } from '../../oci/json-object.ts';
import { parseJson, type Reply, said } from './reply.ts';

/** Which Secret. */
export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/** Its entries as text, and the version of the object that they are of. */
export interface SecretContent {
  readonly resourceVersion: string;
  readonly entries: ReadonlyMap<string, string>;
}

const OK = 200;
const CONFLICT = 409;

/** Where the API server has it. */
export function secretPath({ namespace, name }: SecretName): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
}

/** Reads it. Throws `kubernetes_failed`, which tells nothing of the entries. */
export function parseSecret({ status, body }: Reply, of: SecretName): SecretContent {
  const value = parseJson(body);
  if (status !== OK) throw failed(of, `expected 200, found ${status}${said(value)}`);
  if (!isJsonObject(value) || value['kind'] !== 'Secret') throw failed(of, 'expected a Secret');
  const { metadata, data } = value;
  const version = isJsonObject(metadata) ? metadata['resourceVersion'] : undefined;
  if (typeof version !== 'string') throw failed(of, 'expected a resourceVersion');
  const entries = Object.entries(isJsonObject(data) ? data : {}).map(([key, encoded]) => {
    if (typeof encoded !== 'string') throw failed(of, 'expected texts as its data');
    return [key, Buffer.from(encoded, 'base64').toString()] as const;
  });
  return { resourceVersion: version, entries: new Map(entries) };
}

/**
 * Replaces entries, and removes those that are undefined, of exactly the version that was read: a patch of
 * the type `application/merge-patch+json`, which the API server refuses where another was quicker.
 */
export function secretPatch(
  { resourceVersion }: SecretContent,
  entries: Readonly<Record<string, string | undefined>>,
): object {
  const data = Object.entries(entries).map(
    ([key, text]) =>
      [key, text === undefined ? null : Buffer.from(text).toString('base64')] as const,
  );
  return { metadata: { resourceVersion }, data: Object.fromEntries(data) };
}

/** Whether the patch was taken; false where another was quicker. Throws `kubernetes_failed`. */
export function isPatchTaken({ status, body }: Reply, of: SecretName): boolean {
  if (status === OK || status === CONFLICT) return status === OK;
  throw failed(of, `patch: expected 200, found ${status}${said(parseJson(body))}`);
}

function failed({ namespace, name }: SecretName, fault: string): AgentError {
  return new AgentError('kubernetes_failed', `secret ${namespace}/${name}: ${fault}`);
}
