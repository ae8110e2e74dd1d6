// Asks the admission webhook of the cluster, as the API server does, but by the address of its Service.
import { withDeadline } from '../../deadline.ts';
import { AgentError } from '../../errors.ts';
import {
  type AdmissionService,
  parseAdmissionService,
  parseClusterIp,
  serviceHost,
  servicePath,
} from './admission-webhook.ts';
import { type ApiClientOptions, sendRead } from './api-client.ts';
import { exchange } from './https-exchange.ts';
import { webhookConfigurationPath } from './webhook-configuration.ts';

/** What is asked, and where. */
export interface AdmissionQuestion {
  /** Begins with a slash. */
  readonly path: string;
  readonly body: object;
}

/** As the API server waits by default. */
const TIMEOUT_MS = 10_000;
const OK = 200;

/**
 * The body of the webhook's answer. Who it is, where, and whom to trust for it is read anew each time:
 * certificates are renewed. The webhook is sent no token. Throws `kubernetes_failed`.
 */
export async function askAdmissionWebhook(
  api: ApiClientOptions,
  configuration: string,
  { path, body }: AdmissionQuestion,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const accept = 'application/json';
  const of = { kind: 'ValidatingWebhookConfiguration', name: configuration } as const;
  const found = await sendRead(api, { path: webhookConfigurationPath(of), accept }, signal);
  const service = parseAdmissionService(found, configuration);
  const host = parseClusterIp(
    await sendRead(api, { path: servicePath(service), accept }, signal),
    service,
  );
  const { port, ca } = service;
  const message = {
    ...({ host, port, ca, servername: serviceHost(service), method: 'POST', path } as const),
    headers: { accept, 'content-type': 'application/json', host: serviceHost(service) },
    body: JSON.stringify(body),
  };
  return withDeadline(signal, TIMEOUT_MS, async (within) => {
    const reply = await exchange(message, within).catch((cause: unknown) => {
      throw failed(service, cause instanceof Error ? cause.message : String(cause), cause);
    });
    if (reply.status === OK) return reply.body;
    throw failed(service, `expected 200, found ${reply.status}`);
  });
}

function failed({ namespace, name }: AdmissionService, fault: string, cause?: unknown): AgentError {
  const options = cause === undefined ? {} : { cause };
  return new AgentError(
    'kubernetes_failed',
    `admission webhook ${namespace}/${name}: ${fault}`,
    options,
  );
}
