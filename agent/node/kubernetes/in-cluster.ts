// Where a pod finds the API server of its cluster, and what it proves itself with. Pure.
import { isIP } from 'node:net';
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';

/** Where every pod with a service account has its token and the CA of the API server. */
export const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The address of an API server. */
export interface ApiServer {
  /** An IP address, without brackets, or a DNS name. */
  readonly host: string;
  readonly port: number;
}

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;
const MAX_PORT = 65_535;
/** What a header may hold. Tokens have 1 or 2 KiB; servers refuse headers of more than 16. */
const TOKEN = /^[\x21-\x7e]{1,12288}$/;

/**
 * The API server that kubelet names in the environment of every container. Throws
 * `kubernetes_failed` where it names none: outside a pod.
 */
export function parseApiServer(
  environment: Readonly<Record<string, string | undefined>>,
): ApiServer {
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const portText = environment['KUBERNETES_SERVICE_PORT'] ?? '';
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (isIP(host) === 0 && !DNS_NAME.test(host)) throw notNamed('HOST', 'an address', host);
  if (port < 1 || port > MAX_PORT) throw notNamed('PORT', 'a port', portText);
  return { host, port };
}

/** The token of a service account. Throws `kubernetes_failed`, which tells nothing of the text. */
export function parseToken(text: string, path: string): string {
  const token = text.trim();
  if (TOKEN.test(token)) return token;
  throw new AgentError('kubernetes_failed', `${path}: expected a token, found something else`);
}

/**
 * The CA of the API server, as PEM. Throws `kubernetes_failed` for a text without a certificate: for
 * TLS of Node an empty one is none, and it would trust every public authority with the token.
 */
export function parseCa(text: string, path: string): string {
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new AgentError('kubernetes_failed', `${path}: expected a certificate, found none`);
}

function notNamed(name: string, expected: string, found: string): AgentError {
  const fault = `expected ${expected}, as in a pod, found ${show(found)}`;
  return new AgentError('kubernetes_failed', `KUBERNETES_SERVICE_${name}: ${fault}`);
}
