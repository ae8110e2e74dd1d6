// The settings of the webhook alone: rows of the one table of settings.
import {
  address,
  dnsNames,
  duration,
  objectName,
  oneOf,
  optionalPath,
  resourceName,
} from './setting-forms.ts';

/** Part of `SETTINGS`, where each is read. */
export const WEBHOOK_SETTINGS = {
  webhookListen: address(
    'WEBHOOK_LISTEN',
    { host: '0.0.0.0', port: 8443 },
    'Address and port on which the webhook answers the API server; port 0 takes a free one.',
  ),
  webhookTimeout: duration(
    'WEBHOOK_TIMEOUT',
    8_000,
    'How long the webhook takes for one review at most. Four fifths of what the API server waits are never exceeded.',
  ),
  webhookMutate: oneOf(
    'WEBHOOK_MUTATE',
    'off',
    ['off', 'on'],
    'Whether `/mutate` is served, which writes the digest that was verified beside each tag.',
  ),
  webhookCertificate: optionalPath(
    'WEBHOOK_CERTIFICATE',
    'PEM file of the webhook’s certificate chain. Unset: the webhook makes its own certificate and keeps it in a Secret.',
  ),
  webhookKey: optionalPath('WEBHOOK_KEY', 'PEM file of the key of that certificate.'),
  webhookSecret: objectName(
    'WEBHOOK_SECRET',
    'The Secret that holds the webhook’s own certificate; it has to be there already, empty.',
  ),
  webhookConfiguration: resourceName(
    'WEBHOOK_CONFIGURATION',
    'The ValidatingWebhookConfiguration, and with NODESEAL_WEBHOOK_MUTATE the MutatingWebhookConfiguration, whose `caBundle` is to trust that certificate.',
  ),
  webhookHosts: dnsNames(
    'WEBHOOK_HOSTS',
    'The names by which the API server asks for the webhook, which its own certificate is for.',
  ),
} as const;
