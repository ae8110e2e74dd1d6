// Who issued a certificate: names and signature (RFC 5280 6.1.3 (a)(1) and (a)(4)).
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import { verifyCertificateSignature } from '../encoding/crypto.ts';
import { toSignatureAlgorithm } from './algorithm-identifier.ts';
import type { Certificate } from './certificate.ts';
import { isKnownIssuer, rememberIssuer } from './known-certificates.ts';

/**
 * The specification bounds the size of leaf keys only. A CA key below this can be broken for the
 * price of a server, after which its signature says nothing.
 */
export const MIN_CA_MODULUS_BITS = 2048;

/**
 * Tells whether `issuer` is named as the issuer of `certificate` and its key made the signature.
 * Whether it may issue at all is not checked. Throws `certificate_signature_unsupported`
 * (SHA-1, for one), `certificate_key_unsupported` for the key of `issuer`, and `certificate_invalid`
 * when that key is no key.
 */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (isKnownIssuer(certificate, issuer)) return true;
  if (Buffer.compare(certificate.issuer.raw, issuer.subject.raw) !== 0) return false;
  const algorithm = toSignatureAlgorithm(
    certificate.signatureAlgorithm,
    'certificate_signature_unsupported',
  );
  assertIssuingKey(issuer);
  const { spki } = issuer.publicKey;
  const { tbs, signature } = certificate;
  const isIssued = verifyCertificateSignature(algorithm, spki, tbs, signature);
  if (isIssued) rememberIssuer(certificate, issuer);
  return isIssued;
}

/** The same of a certificate and itself. */
export function isSelfSigned(certificate: Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}

function assertIssuingKey(issuer: Certificate): void {
  const key = issuer.publicKey;
  if (key.type === 'ec' || (key.type === 'rsa' && key.modulusBits >= MIN_CA_MODULUS_BITS)) return;
  const found = key.type === 'rsa' ? `RSA with ${key.modulusBits} bits` : key.found;
  throw new AgentError(
    'certificate_key_unsupported',
    `certificate ${show(issuer.subject.text)}: expected an issuing key of RSA from ${MIN_CA_MODULUS_BITS} bits, P-256, P-384 or P-521, found ${found}`,
  );
}
