// Which certificates a trust store may hold, and the hash that changes when trust does. Pure.
import { AgentError } from '../../errors.ts';
import { hashHex } from '../../notation/encoding/crypto.ts';
import { DER_TAGS, DerReader } from '../../notation/encoding/der.ts';
import { decodePemCertificates, isPem } from '../../notation/encoding/pem.ts';
import {
  type TrustStoreName,
  trustStoreType,
} from '../../notation/trustpolicy/trust-store-name.ts';
import { type Certificate, parseCertificate } from '../../notation/x509/certificate.ts';
import { isSelfSigned } from '../../notation/x509/issuance.ts';
import { show } from '../../oci/show.ts';

/** A named set of certificates; what its type is good for is the signing scheme's business. */
export interface TrustStore {
  readonly name: TrustStoreName;
  /** At least one. */
  readonly certificates: readonly Certificate[];
}

/**
 * Parses one file of a trust store: PEM with any number of certificates, or DER, one after the
 * other. Each is a CA certificate or self-signed, so that trust in a leaf that a CA issued is never
 * pinned by mistake for its CA; in a tsa store each is a root, which is both and may sign others.
 * Validity is not checked: it counts when a signature is judged. Throws `truststore_invalid` naming
 * `what` and the certificate.
 */
export function parseStoreFile(
  bytes: Uint8Array,
  store: TrustStoreName,
  what: string,
): readonly Certificate[] {
  return splitCertificates(bytes, what).map((der, index) => {
    const place = `${what}, certificate ${index + 1}`;
    const certificate = asStoreFault(() => parseCertificate(der, place));
    assertAcceptable(certificate, store, place);
    return certificate;
  });
}

/**
 * SHA-256 (hex) over every certificate's fingerprint beside the store that it is in: a certificate
 * that moves to a store of another type changes verdicts too. Files and their order do not count.
 */
export function trustHash(stores: readonly TrustStore[]): string {
  const lines = stores.flatMap(({ name, certificates }) =>
    certificates.map(({ raw }) => `${name} ${hashHex('sha256', raw)}\n`),
  );
  return hashHex('sha256', new TextEncoder().encode([...new Set(lines)].sort().join('')));
}

function splitCertificates(bytes: Uint8Array, what: string): readonly Uint8Array[] {
  if (isPem(bytes)) return decodePemCertificates(bytes, { what, code: 'truststore_invalid' });
  const reader = new DerReader(bytes, what, 'truststore_invalid');
  const certificates: Uint8Array[] = [];
  do certificates.push(reader.read(DER_TAGS.sequence, 'certificate').raw);
  while (reader.peek() !== undefined);
  return certificates;
}

function assertAcceptable(certificate: Certificate, store: TrustStoreName, place: string): void {
  const isRootOnly = trustStoreType(store) === 'tsa';
  const isGood = isRootOnly ? isRoot(certificate, place) : isAnchor(certificate, place);
  if (isGood) return;
  const expected = isRootOnly
    ? 'a self-signed CA certificate'
    : 'a CA certificate or a self-signed one';
  throw new AgentError(
    'truststore_invalid',
    `${place}: expected ${expected}, found ${show(certificate.subject.text)}, which is not`,
  );
}

function isAnchor(certificate: Certificate, place: string): boolean {
  return isCa(certificate) || asStoreFault(() => isSelfSigned(certificate), place);
}

/** The path of a timestamp is built as RFC 5280 says, and ends in a certificate that may sign others. */
function isRoot(certificate: Certificate, place: string): boolean {
  const { keyUsage } = certificate.extensions;
  const maySign = keyUsage === undefined || keyUsage.usages.has('keyCertSign');
  return isCa(certificate) && maySign && asStoreFault(() => isSelfSigned(certificate), place);
}

function isCa({ extensions }: Certificate): boolean {
  return extensions.basicConstraints?.ca === true;
}

/** What is wrong with the certificate is wrong with the store that an operator has to correct. */
function asStoreFault<T>(action: () => T, place?: string): T {
  try {
    return action();
  } catch (cause) {
    if (!(cause instanceof AgentError)) throw cause;
    const message = place === undefined ? cause.message : `${place}: ${cause.message}`;
    throw new AgentError('truststore_invalid', message, { cause });
  }
}
