// Certificates that were met before: a node's images are signed by a few signers, whose chains come with every signature.
import { type Certificate, parseCertificate } from './certificate.ts';

/** Those that a node meets fit many times. */
const MAX_CERTIFICATES = 100;
/** Of real ones all; with the count it bounds what strangers can make us hold. */
const MAX_BYTES = 8 * 1024;

let known = new Map<string, Certificate>();

/** Of each of them, the one that was last found to have issued it. Forgotten together: weak maps cost more. */
let issuers = new Map<Certificate, Certificate | undefined>();

/**
 * As `parseCertificate`, but one and the same value for the same bytes: what a certificate says
 * depends on its bytes alone. It holds a copy of them, which nobody else can change. Nothing that is
 * refused is remembered, and no validity, trust or revocation.
 */
export function parseKnownCertificate(bytes: Uint8Array, what: string): Certificate {
  if (bytes.length > MAX_BYTES) return parseCertificate(bytes, what);
  const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const found = known.get(name);
  if (found !== undefined) return found;
  const certificate = parseCertificate(new Uint8Array(bytes), what);
  if (known.size >= MAX_CERTIFICATES) forgetAll();
  known.set(name, certificate);
  issuers.set(certificate, undefined);
  return certificate;
}

/** By new maps: of one that is cleared the old table keeps all that comes later, until a full collection. */
function forgetAll(): void {
  known = new Map();
  issuers = new Map();
}

/** Whether `rememberIssuer` was last told so of `certificate`. */
export function isKnownIssuer(certificate: Certificate, issuer: Certificate): boolean {
  return issuers.get(certificate) === issuer;
}

/**
 * Remembers that `issuer` is named by `certificate` and made its signature; does nothing for values
 * of `parseCertificate`, whose bytes others may change.
 */
export function rememberIssuer(certificate: Certificate, issuer: Certificate): void {
  if (issuers.has(certificate) && issuers.has(issuer)) issuers.set(certificate, issuer);
}
