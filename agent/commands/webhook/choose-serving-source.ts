// Which of the two sources of its certificate the settings give the webhook.
import type { Logger } from 'pino';
import { SYSTEM_CLOCK } from '../../audit/clock.ts';
import type { Config } from '../../config.ts';
import { AgentError } from '../../errors.ts';
import { parseApiServer } from '../../node/kubernetes/in-cluster.ts';
import type { CommandContext } from '../command.ts';
import { certificateFiles } from './certificate-files.ts';
import { ownCertificate } from './own-certificate.ts';
import type { ServingSource } from './serving-source.ts';

/**
 * Files where they are set, else the webhook's own certificate. Throws `setting_invalid` for half of either,
 * and `kubernetes_failed` where the environment names no API server.
 */
export function chooseServingSource(
  config: Config,
  environment: CommandContext['environment'],
  { log, serviceAccountDir }: { readonly log: Logger; readonly serviceAccountDir: string },
): ServingSource {
  const { webhookCertificate, webhookKey, webhookSecret, webhookConfiguration, webhookHosts } =
    config;
  if (webhookCertificate !== undefined && webhookKey !== undefined) {
    return certificateFiles(webhookCertificate, webhookKey);
  }
  if (webhookCertificate !== undefined || webhookKey !== undefined) {
    throw incomplete('NODESEAL_WEBHOOK_CERTIFICATE and NODESEAL_WEBHOOK_KEY');
  }
  const [name] = webhookHosts;
  if (webhookSecret === undefined || webhookConfiguration === undefined || name === undefined) {
    throw incomplete(
      'NODESEAL_WEBHOOK_SECRET, NODESEAL_WEBHOOK_CONFIGURATION and NODESEAL_WEBHOOK_HOSTS, or NODESEAL_WEBHOOK_CERTIFICATE and NODESEAL_WEBHOOK_KEY',
    );
  }
  return ownCertificate({
    ...{ api: { server: parseApiServer(environment), serviceAccountDir }, log },
    ...{ secret: webhookSecret, names: webhookHosts, now: () => SYSTEM_CLOCK.now() },
    configurations: [
      { kind: 'ValidatingWebhookConfiguration', name: webhookConfiguration } as const,
      ...(config.webhookMutate === 'on'
        ? [{ kind: 'MutatingWebhookConfiguration', name: webhookConfiguration } as const]
        : []),
    ],
  });
}

function incomplete(expected: string): AgentError {
  return new AgentError(
    'setting_invalid',
    `webhook: expected ${expected}, found only a part of that`,
  );
}
