// Who may answer for an issuer: the issuer itself, or whom it has delegated to (RFC 6960 4.2.2.2).
import { show } from '../../oci/show.ts';
import { sha1Name, verifyCertificateSignature } from '../encoding/crypto.ts';
import { toSignatureAlgorithm } from '../x509/algorithm-identifier.ts';
import type { Certificate } from '../x509/certificate.ts';
import { isIssuedBy, MIN_CA_MODULUS_BITS } from '../x509/issuance.ts';
import { keyBits } from './cert-id.ts';
import { invalidEvidence } from './evidence-fault.ts';
import type { OcspResponse, ResponderId } from './ocsp-response.ts';
import { isoTime } from '../../utc.ts';

const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
/** Critical extensions that need not be looked at: who is asked about is told by the signature. */
const UNDERSTOOD = new Set([
  '2.5.29.14', // subject key identifier
  '2.5.29.17', // subject alternative name
  '2.5.29.32', // certificate policies
  '2.5.29.35', // authority key identifier
  '1.3.6.1.5.5.7.48.1.5', // id-pkix-ocsp-nocheck
]);

/**
 * Finds who signed a response, and checks that they may: the issuer, or a delegate that the issuer
 * itself has certified for exactly this. Without the purpose OCSPSigning every certificate of the
 * issuer, a revoked one for instance, could call itself good. Returns the delegate, or undefined
 * when it was the issuer; whether the delegate has been revoked is not checked.
 *
 * Throws `revocation_evidence_invalid`; `algorithm_unsupported` for SHA-1 and its like.
 */
export function verifyResponder(
  response: OcspResponse,
  issuer: Certificate,
  now: Date,
): Certificate | undefined {
  const signer = [issuer, ...response.certificates]
    .filter((candidate) => isNamed(candidate, response.responder))
    .find((candidate) => hasSigned(candidate, response));
  if (signer === undefined) {
    const fault = 'expected the signature of its issuer or of a delegate that it contains';
    throw invalidEvidence(response.what, `${fault}, found none of them`);
  }
  if (signer === issuer) return undefined;
  assertDelegate(signer, issuer, now, response.what);
  return signer;
}

function isNamed(certificate: Certificate, responder: ResponderId): boolean {
  return responder.by === 'name'
    ? Buffer.compare(certificate.subject.raw, responder.name) === 0
    : Buffer.compare(sha1Name(keyBits(certificate)), responder.keyHash) === 0;
}

function hasSigned({ publicKey }: Certificate, response: OcspResponse): boolean {
  const algorithm = toSignatureAlgorithm(response.signatureAlgorithm);
  if (publicKey.type === 'unsupported') return false;
  if (publicKey.type === 'rsa' && publicKey.modulusBits < MIN_CA_MODULUS_BITS) return false;
  return verifyCertificateSignature(algorithm, publicKey.spki, response.tbs, response.signature);
}

function assertDelegate(
  delegate: Certificate,
  issuer: Certificate,
  now: Date,
  response: string,
): void {
  const what = `${response}: delegate ${show(delegate.subject.text)}`;
  const { extendedKeyUsage, keyUsage, others } = delegate.extensions;
  // anyExtendedKeyUsage does not do: RFC 6960 4.2.2.2 asks for this purpose.
  if (extendedKeyUsage?.purposes.has(OCSP_SIGNING) !== true) {
    throw invalidEvidence(what, 'expected the extended key usage OCSPSigning');
  }
  if (keyUsage?.usages.has('digitalSignature') === false) {
    throw invalidEvidence(what, 'expected the key usage digitalSignature');
  }
  const unknown = others.find(({ oid, critical }) => critical && !UNDERSTOOD.has(oid));
  if (unknown !== undefined) {
    throw invalidEvidence(what, `expected no critical extension ${unknown.oid}`);
  }
  if (now < delegate.notBefore || delegate.notAfter < now) {
    const found = `${isoTime(delegate.notBefore)} to ${isoTime(delegate.notAfter)}`;
    throw invalidEvidence(what, `expected one valid at ${isoTime(now)}, found ${found}`);
  }
  if (!isIssuedBy(delegate, issuer)) {
    throw invalidEvidence(what, `expected one issued by ${show(issuer.subject.text)}`);
  }
}
