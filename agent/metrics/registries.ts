// The metrics of registries: what they are asked, how they answer, and what is known without asking them.
import type { Registry } from 'prom-client';
import {
  CREDENTIAL_SOURCES,
  type CredentialSourceName,
} from '../verifier/registry/credentials/credential.ts';
import { declarers } from './declarers.ts';
import { RegistryLabels } from './registry-label.ts';
import type { RegistrySource } from './sources.ts';

/** Told by who asks registries, or need not. The registry may be any text. */
export interface RegistryMetrics {
  /** `status` is undefined if there was no answer. */
  observeRegistryRequest(registry: string, status: number | undefined, seconds: number): void;
  /** Whether a good signature of an image to be pulled was known, so that its registry is asked for none. */
  countSignatureLookup(registry: string, isKnown: boolean): void;
  /** `source` is `none` for a registry that let us in without a credential. */
  countCredential(registry: string, source: CredentialSourceName): void;
  /** What certs.d says that is unsafe, and what of it cannot be used. */
  setRegistryHosts(found: Readonly<Record<(typeof HOST_STATES)[number], number>>): void;
}

/** What an operator is to know of a host in certs.d. */
export const HOST_STATES = ['unverified', 'invalid'] as const;

/** How a request to a registry ended. */
export const REGISTRY_OUTCOMES = [
  'ok',
  'redirected',
  'unauthorized',
  'denied',
  'not_found',
  'throttled',
  'refused',
  'failed',
  'no_answer',
] as const;
export type RegistryOutcome = (typeof REGISTRY_OUTCOMES)[number];

/** From a registry nearby to the time at which the client gives up. */
const BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Declares them. */
export function declareRegistries(
  registry: Registry,
  { namesRegistry }: RegistrySource,
): RegistryMetrics {
  const { counter, gauge, histogram } = declarers(registry);
  const labels = new RegistryLabels(namesRegistry);
  /** Labels with a sample of each outcome. */
  const declared = new Set<string>();
  const requests = counter(
    'registry_requests_total',
    'HTTP requests for images of a registry, redirects and its token service among them.',
    ...['registry', 'outcome'],
  );
  const duration = histogram(
    'registry_request_duration_seconds',
    'Time to the headers of the answer, or until there was no hope of them.',
    BUCKETS_SECONDS,
    'registry',
  );
  const lookups = counter(
    'signature_lookups_total',
    'Times that a good signature of an image to be pulled was looked for in memory, before its registry is asked.',
    ...['registry', 'result'],
  );
  const credentials = counter(
    'registry_credentials_total',
    'Times that a registry took a credential for a repository where it had taken none or another.',
    ...['registry', 'source'],
  );
  const hosts = gauge(
    'registry_hosts',
    'Hosts of certs.d whose certificate is not looked at (skip_verify), and its directories that cannot be used.',
    'state',
  );
  return {
    setRegistryHosts: (found) => {
      for (const state of HOST_STATES) hosts.set({ state }, found[state]);
    },
    observeRegistryRequest: (name, status, seconds) => {
      const label = { registry: labels.of(name) };
      if (!declared.has(label.registry)) {
        // Without a sample before the first, the first increase would not be seen.
        for (const outcome of REGISTRY_OUTCOMES) requests.inc({ ...label, outcome }, 0);
        declared.add(label.registry);
      }
      requests.inc({ ...label, outcome: outcomeOf(status) });
      duration.observe(label, seconds);
    },
    countSignatureLookup: (name, isKnown) => {
      const label = { registry: labels.of(name) };
      lookups.inc({ ...label, result: 'hit' }, Number(isKnown));
      lookups.inc({ ...label, result: 'miss' }, Number(!isKnown));
    },
    countCredential: (name, source) => {
      const label = { registry: labels.of(name) };
      for (const one of CREDENTIAL_SOURCES) credentials.inc({ ...label, source: one }, 0);
      credentials.inc({ ...label, source });
    },
  };
}

/** A 401 is how a registry says that it wants a token, and most often no fault. */
export function outcomeOf(status: number | undefined): RegistryOutcome {
  if (status === undefined) return 'no_answer';
  if (status >= 500) return 'failed';
  if (status < 300) return 'ok';
  if (status < 400) return 'redirected';
  switch (status) {
    case 401:
      return 'unauthorized';
    case 403:
      return 'denied';
    case 404:
      return 'not_found';
    case 429:
      return 'throttled';
    default:
      return 'refused';
  }
}
