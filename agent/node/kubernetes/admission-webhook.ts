// Where the admission webhook of a cluster is, by what its configuration and its Service say. Pure.
import { AgentError } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../oci/json-object.ts';
import { parseJson, type Reply, said } from './reply.ts';

/** Whom the API server asks, and whom it trusts for that. */
export interface AdmissionService {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
}

const OK = 200;
const HTTPS_PORT = 443;

/**
 * Reads it from a ValidatingWebhookConfiguration. Throws `kubernetes_failed` for any other answer, and
 * where no webhook of it is a Service that it says whom to trust for.
 */
export function parseAdmissionService(reply: Reply, configuration: string): AdmissionService {
  const what = `ValidatingWebhookConfiguration ${configuration}`;
  const { webhooks } = parseObject(reply, 'ValidatingWebhookConfiguration', what);
  const list: readonly unknown[] = Array.isArray(webhooks) ? webhooks : [];
  for (const webhook of list) {
    const config = isJsonObject(webhook) ? webhook['clientConfig'] : undefined;
    const service = isJsonObject(config) ? config['service'] : undefined;
    const caBundle = isJsonObject(config) ? config['caBundle'] : undefined;
    if (!isJsonObject(service) || typeof caBundle !== 'string' || caBundle === '') continue;
    const { namespace, name, port = HTTPS_PORT } = service;
    if (typeof namespace !== 'string' || typeof name !== 'string' || typeof port !== 'number') {
      continue;
    }
    return { namespace, name, port, ca: Buffer.from(caBundle, 'base64').toString() };
  }
  throw failed(what, 'expected a Service, and whom to trust for it, found none');
}

/** Where the API server has the Service. */
export function servicePath({ namespace, name }: AdmissionService): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/services/${encodeURIComponent(name)}`;
}

/** The name that the Service's certificate is for. */
export function serviceHost({ namespace, name }: AdmissionService): string {
  return `${name}.${namespace}.svc`;
}

/** Its address in the cluster: nodes do not ask the cluster's DNS. Throws `kubernetes_failed`. */
export function parseClusterIp(reply: Reply, of: AdmissionService): string {
  const what = `service ${of.namespace}/${of.name}`;
  const { spec } = parseObject(reply, 'Service', what);
  const address = isJsonObject(spec) ? spec['clusterIP'] : undefined;
  if (typeof address === 'string' && /^[0-9a-f.:]+$/.test(address)) return address;
  throw failed(what, 'expected an address in the cluster, found none');
}

function parseObject({ status, body }: Reply, kind: string, what: string): JsonObject {
  const value = parseJson(body);
  if (status !== OK) throw failed(what, `expected 200, found ${status}${said(value)}`);
  if (!isJsonObject(value) || value['kind'] !== kind) throw failed(what, `expected a ${kind}`);
  return value;
}

function failed(what: string, fault: string): AgentError {
  return new AgentError('kubernetes_failed', `${what}: ${fault}`);
}
