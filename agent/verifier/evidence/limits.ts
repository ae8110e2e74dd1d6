// How long, how large and how many: bounds on what OCSP responders and CRL servers may make us do.
import { MAX_CRL_BYTES } from '../../notation/revocation/certificate-list.ts';
import { MAX_OCSP_RESPONSE_BYTES } from '../../notation/revocation/ocsp-response.ts';

export interface EvidenceLimits {
  readonly overallMs: number;
  readonly ocspMs: number;
  readonly crlMs: number;
  readonly ocspBytes: number;
  readonly crlBytes: number;
  readonly redirects: number;
  readonly addresses: number;
  readonly hostAddresses: number;
  readonly crlsAtOnce: number;
  readonly ocspFreshMs: number;
  readonly crlFreshMs: number;
  readonly failureMs: number;
  readonly renewMs: number;
  readonly lateMs: number;
  readonly ocspMemoryBytes: number;
  readonly crlMemoryBytes: number;
  readonly crlDiskBytes: number;
}

const SECOND_MS = 1000;
const HOUR_MS = 3600 * SECOND_MS;
const MIB = 1024 * 1024;

/**
 * Images on a node are verified again each day, so that evidence which nobody asked for within two
 * belongs to none of them.
 */
export const IN_USE_MS = 48 * HOUR_MS;

/** Every bound with its reason. */
export const EVIDENCE_LIMITS: EvidenceLimits = {
  /** For a whole chain: containerd allows a verifier 10 s, and the registry needs its part. */
  overallMs: 6 * SECOND_MS,
  /** One answer of a few KiB. notation-go gives up after 2 s, which users found too short. */
  ocspMs: 3 * SECOND_MS,
  /** As in notation-go; a CRL of 32 MiB needs 50 Mbit/s for it. */
  crlMs: 5 * SECOND_MS,
  ocspBytes: MAX_OCSP_RESPONSE_BYTES,
  crlBytes: MAX_CRL_BYTES,
  /** From a name to its canonical path and no further: only the same host may be redirected to. */
  redirects: 3,
  /** OCSP responders of a certificate, and the same of CRLs. Two of each is much. */
  addresses: 8,
  /** Of those that a host name resolves to; each may take its share of the time to be connected to. */
  hostAddresses: 4,
  /** So that what is held while CRLs are fetched and verified stays below 4 x 32 MiB. */
  crlsAtOnce: 2,
  /** Responders let answers live for days; asking again every hour learns of a revocation sooner. */
  ocspFreshMs: HOUR_MS,
  /** The same of CRLs, which cost more to fetch and come out daily at best. */
  crlFreshMs: 6 * HOUR_MS,
  /** A dead responder is not waited for again and again while many images are verified. */
  failureMs: 15 * SECOND_MS,
  /** Over so long before its end evidence is asked for anew: 5,000 nodes bring 2 requests a second. */
  renewMs: HOUR_MS,
  /** The same after its end, when there was nothing newer before; 5,000 nodes bring 9. */
  lateMs: HOUR_MS / 6,
  /** Some hundred answers. */
  ocspMemoryBytes: MIB,
  /** Typical CRLs are below 1 MiB. Larger ones than this come from disk each time. */
  crlMemoryBytes: 16 * MIB,
  crlDiskBytes: 256 * MIB,
};
