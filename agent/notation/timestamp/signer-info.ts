// SignerInfo of a timestamp token (RFC 5652 5.3), and whether its signature is over this content by this certificate.
import { AgentError } from '../../errors.ts';
import {
  type CertificateSignatureAlgorithm,
  hash,
  type HashAlgorithm,
  verifyCertificateSignature,
} from '../encoding/crypto.ts';
import { contextTag, DER_TAGS, type DerElement, DerReader } from '../encoding/der.ts';
import { decodeSmallInteger } from '../encoding/der-value.ts';
import {
  type AlgorithmIdentifier,
  readAlgorithmIdentifier,
  toSignatureAlgorithm,
} from '../x509/algorithm-identifier.ts';
import type { Certificate } from '../x509/certificate.ts';
import { keyAlgorithm } from '../x509/key-algorithm.ts';
import { hasNoParameters, readHashAlgorithm } from './hash-algorithm.ts';
import { readSignedAttributes, type SignedAttributes } from './signed-attributes.ts';
import { type IssuerSerial, readIssuerAndSerialNumber } from './signing-certificate.ts';
import { TOKEN } from './token.ts';

export interface SignerInfo {
  readonly signer: IssuerSerial;
  readonly attributes: SignedAttributes;
  readonly algorithm: CertificateSignatureAlgorithm;
  /** DER of the signed attributes: what the signature is over. */
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
}

/** The version of signers that are named by issuer and serial number. */
const ISSUER_AND_SERIAL_NUMBER_VERSION = 1;
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';

/**
 * Parses a SignerInfo. Signed attributes MUST be there where the content is not plain data (RFC 5652
 * 5.3). Throws `timestamp_invalid` or `algorithm_unsupported`.
 */
export function parseSignerInfo(element: DerElement): SignerInfo {
  const reader = new DerReader(element.content, `${TOKEN}: signer`, 'timestamp_invalid');
  const version = decodeSmallInteger(reader.read(DER_TAGS.integer, 'version'));
  if (version !== ISSUER_AND_SERIAL_NUMBER_VERSION) {
    throw invalid(`expected version ${ISSUER_AND_SERIAL_NUMBER_VERSION}, found ${version}`);
  }
  const signer = readIssuerAndSerialNumber(reader.enter(DER_TAGS.sequence, 'identifier'));
  const digestAlgorithm = readHashAlgorithm(reader, 'digest algorithm');
  const attributes = reader.read(contextTag(0), 'signed attributes');
  const algorithm = toAlgorithm(
    readAlgorithmIdentifier(reader, 'signature algorithm'),
    digestAlgorithm,
  );
  const { content: signature } = reader.read(DER_TAGS.octetString, 'signature');
  // Unsigned attributes: nothing that anybody could add may count.
  reader.readOptional(contextTag(1), 'unsigned attributes');
  reader.end('unsigned attributes');
  const inside = new DerReader(
    attributes.content,
    `${TOKEN}: signed attributes`,
    'timestamp_invalid',
  );
  return {
    signer,
    attributes: readSignedAttributes(inside),
    algorithm,
    signedBytes: toSetOf(attributes),
    signature,
  };
}

/**
 * Checks that the signer's attributes are about `content` and signed by the key of `certificate`.
 * Whose certificate that is, is not checked. Throws `timestamp_invalid`, or
 * `certificate_key_unsupported` for a key that no authority may have.
 */
export function assertSigned(
  { attributes, algorithm, signedBytes, signature }: SignerInfo,
  content: Uint8Array,
  certificate: Certificate,
): void {
  if (Buffer.compare(hash(algorithm.hash, content), attributes.messageDigest) !== 0) {
    throw invalid('expected the digest of its TSTInfo, found another');
  }
  // Also keeps huge keys, which take long to verify with, from being used at all.
  keyAlgorithm(certificate, `${TOKEN}: certificate of its signer`);
  const { spki } = certificate.publicKey;
  if (!verifyCertificateSignature(algorithm, spki, signedBytes, signature)) {
    throw invalid('expected a signature by the key of its certificate, found another');
  }
}

/** RFC 5652 5.4: the implicit tag is not what is signed, but the SET OF in its place. */
function toSetOf({ raw }: DerElement): Uint8Array {
  const copy = Uint8Array.from(raw);
  copy[0] = DER_TAGS.set;
  return copy;
}

/**
 * RSA may be named without its hash, which then is the digest's. Where both are named they must be
 * the same (RFC 8933 section 3).
 */
function toAlgorithm(
  identifier: AlgorithmIdentifier,
  digestAlgorithm: HashAlgorithm,
): CertificateSignatureAlgorithm {
  const algorithm: CertificateSignatureAlgorithm =
    identifier.oid === RSA_ENCRYPTION
      ? { scheme: 'rsa-pkcs1', hash: digestAlgorithm }
      : toSignatureAlgorithm(identifier);
  if (algorithm.scheme !== 'rsa-pss' && !hasNoParameters(identifier)) {
    throw new AgentError('algorithm_unsupported', `${identifier.what}: expected no parameters`);
  }
  if (algorithm.hash === digestAlgorithm) return algorithm;
  throw invalid(`expected one hash for digest and signature, found ${digestAlgorithm} and another`);
}

function invalid(fault: string): AgentError {
  return new AgentError('timestamp_invalid', `${TOKEN}: signer: ${fault}`);
}
