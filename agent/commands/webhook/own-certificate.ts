// The webhook's own certificate: made, shared by all replicas through a Secret, renewed, and trusted by the API server.
import type { Logger } from 'pino';
import { AgentError } from '../../errors.ts';
import type { ApiClientOptions } from '../../node/kubernetes/api-client.ts';
import { sendPatch, sendRead } from '../../node/kubernetes/api-client.ts';
import {
  isPatchTaken,
  parseSecret,
  type SecretName,
  secretPatch,
  secretPath,
} from '../../node/kubernetes/secret.ts';
import {
  assertPatchTaken,
  caBundlePatch,
  type WebhookConfigurationName,
  webhookConfigurationPath,
} from '../../node/kubernetes/webhook-configuration.ts';
import { certificateEntries, parseCertificateEntries } from '../../webhook/certificate-entries.ts';
import {
  caBundle,
  type HeldCertificate,
  type HeldCertificates,
  LIFETIME_MS,
  nextStep,
  takeStep,
} from '../../webhook/held-certificates.ts';
import { createServingCertificate, heldCertificate } from '../../webhook/serving-key.ts';
import type { ServingSource } from './serving-source.ts';

export interface OwnCertificateParts {
  readonly api: ApiClientOptions;
  /** Is there already. */
  readonly secret: SecretName;
  /** Whose `caBundle` is kept. */
  readonly configurations: readonly WebhookConfigurationName[];
  /** DNS names by which the API server asks. */
  readonly names: readonly string[];
  readonly log: Pick<Logger, 'info'>;
  readonly now: () => Date;
}

const INTERVAL_MS = 30_000;
/** Of replicas that start at once, one makes the certificate, and the others find it at their next try. */
const MAX_TRIES = 5;

/**
 * Looks at the Secret, does what is due, and has the API server trust what it holds, before that is
 * served. Whatever others did to a `caBundle` is put right at the next look.
 */
export function ownCertificate(parts: OwnCertificateParts): ServingSource {
  return {
    intervalMs: INTERVAL_MS,
    look: async (signal) => {
      const held = await upToDate(parts, signal);
      const bundle = caBundle(held);
      for (const of of parts.configurations) await keepBundle(parts, of, bundle, signal);
      if (held.current !== undefined) return held.current;
      throw new TypeError('no step leaves the Secret without a certificate');
    },
  };
}

async function upToDate(
  { api, secret, names, log, now }: OwnCertificateParts,
  signal: AbortSignal,
): Promise<HeldCertificates> {
  const path = secretPath(secret);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const content = parseSecret(
      await sendRead(api, { path, accept: 'application/json' }, signal),
      secret,
    );
    const held = parseCertificateEntries(content.entries);
    const step = nextStep(held, names, now());
    if (step === 'keep') return held;
    const taken = takeStep(held, step, () => fresh(names, now()));
    const value = secretPatch(content, certificateEntries(taken));
    const type = 'application/merge-patch+json';
    const reply = await sendPatch(api, { path, type, value }, signal);
    if (!isPatchTaken(reply, secret)) continue;
    log.info({ step }, 'the certificates of the webhook were changed');
    return taken;
  }
  const fault = `expected a turn within ${MAX_TRIES} tries, found others quicker`;
  throw new AgentError('kubernetes_failed', `secret ${secret.namespace}/${secret.name}: ${fault}`);
}

function fresh(names: readonly string[], now: Date): HeldCertificate {
  return heldCertificate(createServingCertificate(names, now, LIFETIME_MS));
}

async function keepBundle(
  { api, log }: OwnCertificateParts,
  of: WebhookConfigurationName,
  bundle: string,
  signal: AbortSignal,
): Promise<void> {
  const path = webhookConfigurationPath(of);
  const reply = await sendRead(api, { path, accept: 'application/json' }, signal);
  const value = caBundlePatch(reply, of, bundle);
  if (value === undefined) return;
  const type = 'application/strategic-merge-patch+json';
  assertPatchTaken(await sendPatch(api, { path, type, value }, signal), of);
  log.info({ ...of }, 'the API server was told whom to trust');
}
