// What registries are asked, told to the metrics, which are made after the client that asks.
import type { Metrics } from '../../metrics/metrics.ts';
import type { KnownSignatures } from '../../verifier/good-signatures.ts';
import type { RequestEvent } from '../../verifier/registry/http.ts';

/** Passes requests on; those before there are metrics are not counted. */
export class RegistryRequests {
  metrics: Pick<Metrics, 'observeRegistryRequest'> | undefined;

  /** For the registry client. */
  readonly onRequest = ({ registry, status, durationMs }: RequestEvent): void => {
    this.metrics?.observeRegistryRequest(registry, status, durationMs / 1000);
  };
}

/** The same signatures; each time that one is looked for is counted. */
export function counted(
  signatures: KnownSignatures,
  { countSignatureLookup }: Pick<Metrics, 'countSignatureLookup'>,
): KnownSignatures {
  return {
    get: (repository, image, now) => {
      const known = signatures.get(repository, image, now);
      countSignatureLookup(repository.registry, known !== undefined);
      return known;
    },
    put: (...good) => {
      signatures.put(...good);
    },
    confirm: (...good) => {
      signatures.confirm(...good);
    },
  };
}
