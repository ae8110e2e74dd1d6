// The metrics of what is trusted: which policy and trust are in force, and when the first of it expires.
import type { Registry } from 'prom-client';
import { declarers } from './declarers.ts';
import type { TrustSource } from './sources.ts';

/** As many bits as a number holds exactly. */
const FINGERPRINT_DIGITS = 13;

/** Declares them; the result reads. When the source throws, they have no samples, and `onError` is told. */
export function declareTrust(
  registry: Registry,
  { trust }: TrustSource,
  onError: (error: unknown) => void,
): () => void {
  const { gauge } = declarers(registry);
  const fingerprint = (noun: string, what: string) =>
    gauge(
      `${noun}_fingerprint`,
      `The first 52 bits of the hash of the ${what} in force, as a number: it is the same on nodes with the same.`,
    );
  const policy = fingerprint('policy', 'trust policy');
  const truststore = fingerprint('truststore', 'trust stores');
  const expiry = gauge(
    'truststore_expiry_timestamp_seconds',
    'When the first certificate expires, or did, of the trust stores of a type.',
    'type',
  );
  const crl = gauge(
    'crl_expiry_timestamp_seconds',
    'When the first CRL of those in use ends, or did.',
  );
  const ocsp = gauge(
    'carried_ocsp_expiry_timestamp_seconds',
    'When the first OCSP answer ends, or did, of those in use that were carried in.',
  );
  const bundle = gauge(
    'bundle_created_timestamp_seconds',
    'When the bundle that was carried in was made, by its own word.',
  );
  return () => {
    expiry.reset();
    for (const gone of [policy, truststore, crl, ocsp, bundle]) gone.remove();
    try {
      const { policyHash, trustHash, expiries, ...staleness } = trust();
      if (policyHash !== '') policy.set(fingerprintOf(policyHash));
      if (trustHash !== '') truststore.set(fingerprintOf(trustHash));
      for (const { type, at } of expiries) expiry.set({ type }, at.getTime() / 1000);
      const moments = [
        [crl, staleness.firstCrlEnd],
        [ocsp, staleness.firstCarriedOcspEnd],
        [bundle, staleness.bundleCreated],
      ] as const;
      for (const [metric, at] of moments) if (at !== null) metric.set(at.getTime() / 1000);
    } catch (error) {
      onError(error);
    }
  };
}

/** Labels are of closed sets, and hashes are not: as a value, one can still be compared. */
function fingerprintOf(hash: string): number {
  return Number.parseInt(hash.replace(/^\w+:/, '').slice(0, FINGERPRINT_DIGITS), 16);
}
