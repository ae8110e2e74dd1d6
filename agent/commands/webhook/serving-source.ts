// Where the webhook's certificate comes from: files that somebody else renews, or a Secret of its own.
import type { HeldCertificate } from '../../webhook/held-certificates.ts';

/** A part of the process. */
export interface ServingSource {
  /** Looks once. Throws `serving_certificate_invalid` or `kubernetes_failed` where there is none to serve. */
  look(signal: AbortSignal): Promise<HeldCertificate>;
  /** Time between two looks. */
  readonly intervalMs: number;
}
