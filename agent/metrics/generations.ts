// The metrics of policy and trust: which generation is in force, since when, and whether the last one offered was good.
import type { Registry } from 'prom-client';
import { declarers } from './declarers.ts';

/** A generation of policy or trust that is in force. */
export interface Generation {
  /** Counts up with each change since the agent started. */
  readonly generation: number;
  readonly loadedAt: Date;
}

/** Told by who reads policy and trust. */
export interface GenerationMetrics {
  setPolicy(policy: Generation): void;
  /** False while the policy offered last was refused; the one in force is the last good one. */
  setPolicyValid(valid: boolean): void;
  setTruststore(truststore: Generation & { readonly certificates: number }): void;
  setTruststoreValid(valid: boolean): void;
}

/** Declares them. */
export function declareGenerations(registry: Registry): GenerationMetrics {
  const { gauge } = declarers(registry);
  const policy = declareGeneration(registry, 'policy', 'trust policy');
  const truststore = declareGeneration(registry, 'truststore', 'trust stores');
  const certificates = gauge('truststore_certificates', 'Certificates in the trust stores.');
  return {
    setPolicy: policy.set,
    setPolicyValid: policy.setValid,
    setTruststore: (value) => {
      truststore.set(value);
      certificates.set(value.certificates);
    },
    setTruststoreValid: truststore.setValid,
  };
}

function declareGeneration(registry: Registry, noun: string, what: string) {
  const { gauge } = declarers(registry);
  const generation = gauge(`${noun}_generation`, `Changes of the ${what} since the agent started.`);
  const loaded = gauge(`${noun}_loaded_timestamp_seconds`, `When the ${what} came into force.`);
  const valid = gauge(`${noun}_valid`, `1 if the ${what} offered last came into force, else 0.`);
  return {
    set: (value: Generation): void => {
      generation.set(value.generation);
      loaded.set(value.loadedAt.getTime() / 1000);
    },
    setValid: (value: boolean): void => valid.set(Number(value)),
  };
}
