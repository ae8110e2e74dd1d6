// The one door to node:crypto: hashes, and signatures by algorithms from closed lists.
import {
  constants,
  createPublicKey,
  hash as hashAtOnce,
  type KeyObject,
  verify,
} from 'node:crypto';
import { AgentError } from '../../errors.ts';

/** The hash functions that signatures may use; MD5 and SHA-1 cannot be named. */
export type HashAlgorithm = 'sha256' | 'sha384' | 'sha512';

/** signature-specification.md, "Algorithm Selection", by their names in JWS. */
export const SIGNATURE_ALGORITHMS = ['PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const;
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number];

/** How a certificate, CRL or OCSP response may be signed. */
export interface CertificateSignatureAlgorithm {
  readonly scheme: 'rsa-pkcs1' | 'rsa-pss' | 'ecdsa';
  readonly hash: HashAlgorithm;
}

export const HASH_BYTES: Readonly<Record<HashAlgorithm, number>> = {
  sha256: 32,
  sha384: 48,
  sha512: 64,
};

const HASH_OF: Readonly<Record<SignatureAlgorithm, HashAlgorithm>> = {
  PS256: 'sha256',
  PS384: 'sha384',
  PS512: 'sha512',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
};

/** RFC 7518 section 3.4: r and s, each as long as the order of the curve. */
const ECDSA_BYTES: ReadonlyMap<SignatureAlgorithm, number> = new Map([
  ['ES256', 64],
  ['ES384', 96],
  ['ES512', 132],
]);

/** The digest of bytes. */
export function hash(algorithm: HashAlgorithm, bytes: Uint8Array): Uint8Array {
  return hashAtOnce(algorithm, bytes, 'buffer');
}

/** The digest of bytes in lower-case hexadecimal. */
export function hashHex(algorithm: HashAlgorithm, bytes: Uint8Array): string {
  return hashAtOnce(algorithm, bytes, 'hex');
}

/**
 * SHA-1 of bytes, by which OCSP names issuers and responders (RFC 6960 4.1.1, 4.2.2.3). A name, never
 * what a signature is over: whom it leads to has to prove itself by its key.
 */
export function sha1Name(bytes: Uint8Array): Uint8Array {
  return hashAtOnce('sha1', bytes, 'buffer');
}

/**
 * Tells whether `signature` over `data` was made by the key in `spki` (DER of a
 * SubjectPublicKeyInfo). ECDSA signatures are r and s side by side in their exact length; the salt
 * of RSA-PSS is as long as the hash (RFC 7518 section 3.5, RFC 8230 section 2), which notation-go
 * does not insist on for JWS. That the algorithm is the one for the size of the key is for the
 * caller to check. Throws `certificate_invalid` when the key cannot be used at all.
 */
export function verifySignature(
  algorithm: SignatureAlgorithm,
  spki: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const ecdsaBytes = ECDSA_BYTES.get(algorithm);
  if (ecdsaBytes === undefined) return verifyPss(HASH_OF[algorithm], spki, data, signature);
  const key = importPublicKey(spki);
  if (key.asymmetricKeyType !== 'ec' || signature.length !== ecdsaBytes) return false;
  return verify(HASH_OF[algorithm], data, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** The same for the signature of a certificate, where ECDSA signatures are DER. */
export function verifyCertificateSignature(
  algorithm: CertificateSignatureAlgorithm,
  spki: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (algorithm.scheme === 'rsa-pss') return verifyPss(algorithm.hash, spki, data, signature);
  const key = importPublicKey(spki);
  switch (algorithm.scheme) {
    case 'rsa-pkcs1':
      return (
        key.asymmetricKeyType === 'rsa' &&
        // RSASSA-PKCS1-v1_5 is what a bare RSA key stands for, and options cost a third more time.
        verify(algorithm.hash, data, key, signature)
      );
    case 'ecdsa':
      return (
        key.asymmetricKeyType === 'ec' &&
        // The same of DER.
        verify(algorithm.hash, data, key, signature)
      );
  }
}

/**
 * The options stand on the key itself: in an object around it they take a sixth more time, as Node asks
 * of that, by errors that it throws and catches, whether it is a key.
 */
function verifyPss(
  hashAlgorithm: HashAlgorithm,
  spki: Uint8Array,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = importPublicKey(spki, hashAlgorithm);
  return key.asymmetricKeyType === 'rsa' && verify(hashAlgorithm, data, key, signature);
}

/**
 * Importing a key costs about as much as checking a signature with it, and the same few CAs issue
 * everything that a node runs. What a key is depends on its bytes alone, so remembering it changes
 * no result; who fills the memory with keys of his own only makes others be imported again.
 */
let importedKeys = new Map<string, KeyObject>();
/** A key takes a few KiB. */
const MAX_IMPORTED_KEYS = 100;

/** With `pssHash`, verifying by the key is verifying RSA-PSS with this hash; else what it is by itself. */
function importPublicKey(spki: Uint8Array, pssHash?: HashAlgorithm): KeyObject {
  const text = Buffer.from(spki.buffer, spki.byteOffset, spki.byteLength).toString('base64');
  const name = pssHash === undefined ? text : `${pssHash} ${text}`;
  const known = importedKeys.get(name);
  if (known !== undefined) return known;
  const key = createKey(text);
  if (pssHash !== undefined) {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    Object.assign(key, { padding, saltLength: HASH_BYTES[pssHash] });
  }
  // Of a map that is cleared the old table keeps all that comes later, until a full collection.
  if (importedKeys.size >= MAX_IMPORTED_KEYS) importedKeys = new Map();
  importedKeys.set(name, key);
  return key;
}

/**
 * From a string, as Node imports it in half the time: of an object or bytes it first asks whether they
 * are a key already, by throwing and catching four errors with their stacks.
 */
function createKey(base64: string): KeyObject {
  try {
    return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----`);
  } catch (cause) {
    throw new AgentError(
      'certificate_invalid',
      'public key: expected a point on its curve or an RSA key',
      { cause },
    );
  }
}
