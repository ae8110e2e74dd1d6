// How test certificates are signed: the good algorithms, and those that must be refused.
import { constants, sign } from 'node:crypto';
import { bitString, explicit, integer, nullValue, objectIdentifier, sequence } from './der.ts';
import type { TestKey } from './keys.ts';

export type CertificateSignatureName = keyof typeof SIGNATURES;
const SIGNATURES = {
  'rsa-md5': { oid: '1.2.840.113549.1.1.4', hash: 'md5' },
  'rsa-sha1': { oid: '1.2.840.113549.1.1.5', hash: 'sha1' },
  'rsa-sha256': { oid: '1.2.840.113549.1.1.11', hash: 'sha256' },
  'rsa-sha384': { oid: '1.2.840.113549.1.1.12', hash: 'sha384' },
  'rsa-sha512': { oid: '1.2.840.113549.1.1.13', hash: 'sha512' },
  'pss-sha256': { oid: '1.2.840.113549.1.1.10', hash: 'sha256', hashOid: '2.16.840.1.101.3.4.2.1' },
  'pss-sha384': { oid: '1.2.840.113549.1.1.10', hash: 'sha384', hashOid: '2.16.840.1.101.3.4.2.2' },
  'pss-sha512': { oid: '1.2.840.113549.1.1.10', hash: 'sha512', hashOid: '2.16.840.1.101.3.4.2.3' },
  'ecdsa-sha1': { oid: '1.2.840.10045.4.1', hash: 'sha1' },
  'ecdsa-sha256': { oid: '1.2.840.10045.4.3.2', hash: 'sha256' },
  'ecdsa-sha384': { oid: '1.2.840.10045.4.3.3', hash: 'sha384' },
  'ecdsa-sha512': { oid: '1.2.840.10045.4.3.4', hash: 'sha512' },
  ed25519: { oid: '1.3.101.112', hash: undefined },
} as const;

/** What a CA with this key signs with unless told otherwise. */
export function defaultSignature(signer: TestKey): CertificateSignatureName {
  switch (signer.type) {
    case 'p384':
      return 'ecdsa-sha384';
    case 'p521':
      return 'ecdsa-sha512';
    case 'ed25519':
      return 'ed25519';
    case 'p256':
    case 'p224':
      return 'ecdsa-sha256';
    case 'rsa-1024':
    case 'rsa-2048':
    case 'rsa-2560':
    case 'rsa-3072':
    case 'rsa-4096':
      return 'rsa-sha256';
  }
}

/** Wraps to-be-signed bytes into a certificate; for tests that patch those bytes first. */
export function signCertificate(
  tbs: Uint8Array,
  signature: CertificateSignatureName,
  signer: TestKey,
): Buffer {
  const value = signatureValue(tbs, signature, signer);
  return sequence(tbs, algorithmIdentifier(signature), bitString(value));
}

/** Signs bytes the way a certificate is signed: ECDSA in DER. */
export function signatureValue(
  bytes: Uint8Array,
  signature: CertificateSignatureName,
  { privateKey }: TestKey,
): Buffer {
  const { hash } = SIGNATURES[signature];
  if (!signature.startsWith('pss')) return sign(hash, bytes, privateKey);
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  return sign(hash, bytes, { key: privateKey, padding, saltLength });
}

/** DER of the AlgorithmIdentifier of a signature. */
export function algorithmIdentifier(signature: CertificateSignatureName): Buffer {
  const algorithm = SIGNATURES[signature];
  const oid = objectIdentifier(algorithm.oid);
  if (!('hashOid' in algorithm)) {
    return signature.startsWith('rsa') ? sequence(oid, nullValue()) : sequence(oid);
  }
  const hash = sequence(objectIdentifier(algorithm.hashOid), nullValue());
  const saltLength = { sha256: 32, sha384: 48, sha512: 64 }[algorithm.hash];
  const mgf1 = sequence(objectIdentifier('1.2.840.113549.1.1.8'), hash);
  return sequence(
    oid,
    sequence(explicit(0, hash), explicit(1, mgf1), explicit(2, integer(saltLength))),
  );
}
