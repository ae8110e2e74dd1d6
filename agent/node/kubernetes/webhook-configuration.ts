// The webhook configurations of a cluster: whom the API server trusts when it asks a webhook. Pure.
import { AgentError } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../oci/json-object.ts';
import { parseJson, type Reply, said } from './reply.ts';

/** The two kinds of them. */
export type WebhookConfigurationKind =
  'ValidatingWebhookConfiguration' | 'MutatingWebhookConfiguration';

/** Which one. */
export interface WebhookConfigurationName {
  readonly kind: WebhookConfigurationKind;
  readonly name: string;
}

const OK = 200;

/** Where the API server has it. */
export function webhookConfigurationPath({ kind, name }: WebhookConfigurationName): string {
  const resource = `${kind.toLowerCase()}s`;
  return `/apis/admissionregistration.k8s.io/v1/${resource}/${encodeURIComponent(name)}`;
}

/**
 * What has all of its webhooks trust `caBundle` (PEM), or undefined where they do; a patch of the type
 * `application/strategic-merge-patch+json`, where webhooks are merged by their name. Throws
 * `kubernetes_failed` for an answer that is not this configuration.
 */
export function caBundlePatch(
  reply: Reply,
  of: WebhookConfigurationName,
  caBundle: string,
): object | undefined {
  const encoded = Buffer.from(caBundle).toString('base64');
  const others = webhooksOf(reply, of).filter(({ clientConfig }) => {
    return !isJsonObject(clientConfig) || clientConfig['caBundle'] !== encoded;
  });
  if (others.length === 0) return undefined;
  return { webhooks: others.map(({ name }) => ({ name, clientConfig: { caBundle: encoded } })) };
}

/** Throws `kubernetes_failed` unless the patch was taken. */
export function assertPatchTaken({ status, body }: Reply, of: WebhookConfigurationName): void {
  if (status !== OK)
    throw failed(of, `patch: expected 200, found ${status}${said(parseJson(body))}`);
}

function webhooksOf({ status, body }: Reply, of: WebhookConfigurationName): readonly JsonObject[] {
  const value = parseJson(body);
  if (status !== OK) throw failed(of, `expected 200, found ${status}${said(value)}`);
  if (!isJsonObject(value) || value['kind'] !== of.kind) throw failed(of, `expected a ${of.kind}`);
  const list: readonly unknown[] = Array.isArray(value['webhooks']) ? value['webhooks'] : [];
  return list.filter(isJsonObject);
}

function failed({ kind, name }: WebhookConfigurationName, fault: string): AgentError {
  return new AgentError('kubernetes_failed', `${kind} ${name}: ${fault}`);
}
