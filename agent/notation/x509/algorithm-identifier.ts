// AlgorithmIdentifier (RFC 5280 4.1.1.2), and which of them may sign a certificate, CRL or OCSP response.
import { AgentError, type ErrorCode } from '../../errors.ts';
import {
  type CertificateSignatureAlgorithm,
  HASH_BYTES,
  type HashAlgorithm,
} from '../encoding/crypto.ts';
import { contextTag, DER_TAGS, type DerElement, DerReader } from '../encoding/der.ts';
import { decodeObjectIdentifier, decodeSmallInteger } from '../encoding/der-value.ts';

export interface AlgorithmIdentifier {
  readonly oid: string;
  readonly parameters: DerElement | undefined;
  readonly raw: Uint8Array;
  /** Names it in messages. */
  readonly what: string;
}

const RSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';

/**
 * signature-specification.md, "Other requirements" 3: no certificate of a chain may be signed with
 * SHA-1. MD5, and whatever else is not named here, is refused with it.
 */
const SIGNATURE_ALGORITHMS: ReadonlyMap<string, CertificateSignatureAlgorithm> = new Map([
  ['1.2.840.113549.1.1.11', { scheme: 'rsa-pkcs1', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { scheme: 'rsa-pkcs1', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { scheme: 'rsa-pkcs1', hash: 'sha512' }],
  ['1.2.840.10045.4.3.2', { scheme: 'ecdsa', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { scheme: 'ecdsa', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { scheme: 'ecdsa', hash: 'sha512' }],
]);

/** Hash functions by their object identifiers (NIST, "CSOR"); SHA-1 is not among them. */
export const HASHES: ReadonlyMap<string, HashAlgorithm> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

/** Reads an AlgorithmIdentifier, whatever algorithm it names. Throws the reader's code. */
export function readAlgorithmIdentifier(reader: DerReader, field: string): AlgorithmIdentifier {
  const element = reader.read(DER_TAGS.sequence, field);
  const inside = reader.open(element);
  const oid = decodeObjectIdentifier(inside.read(DER_TAGS.objectIdentifier, `${field} name`));
  const parameters =
    inside.peek() === undefined ? undefined : inside.readAny(`${field} parameters`);
  inside.end(field);
  return { oid, parameters, raw: element.raw, what: element.what };
}

/** Narrows to a signature algorithm of the list, or throws `code`. */
export function toSignatureAlgorithm(
  identifier: AlgorithmIdentifier,
  code: ErrorCode = 'algorithm_unsupported',
): CertificateSignatureAlgorithm {
  if (identifier.oid === RSA_PSS) return toPssAlgorithm(identifier, code);
  const algorithm = SIGNATURE_ALGORITHMS.get(identifier.oid);
  if (algorithm === undefined) {
    throw unsupported(identifier, code, `found ${identifier.oid}`);
  }
  return algorithm;
}

/**
 * RFC 4055 section 3.1: the parameters of RSA-PSS. One hash for message and mask, a salt as long as
 * the hash; the defaults are SHA-1, so that all three have to be there.
 */
function toPssAlgorithm(
  identifier: AlgorithmIdentifier,
  code: ErrorCode,
): CertificateSignatureAlgorithm {
  if (identifier.parameters?.tag !== DER_TAGS.sequence) {
    throw unsupported(identifier, code, 'found RSA-PSS with its defaults, which are SHA-1');
  }
  const outer = new DerReader(identifier.parameters.content, identifier.what, code);
  const messageHash = readHash(outer.enter(contextTag(0), 'hash'), identifier, code);
  const mask = outer.enter(contextTag(1), 'mask').enter(DER_TAGS.sequence, 'mask');
  const maskFunction = decodeObjectIdentifier(mask.read(DER_TAGS.objectIdentifier, 'mask'));
  const maskHash = readHash(mask, identifier, code);
  const salt = outer.enter(contextTag(2), 'salt').read(DER_TAGS.integer, 'salt');
  outer.end('RSA-PSS parameters');
  if (maskFunction !== MGF1 || maskHash !== messageHash) {
    throw unsupported(
      identifier,
      code,
      'found RSA-PSS with another mask than MGF1 with the same hash',
    );
  }
  if (decodeSmallInteger(salt) !== HASH_BYTES[messageHash]) {
    throw unsupported(
      identifier,
      code,
      'found RSA-PSS with a salt that is not as long as its hash',
    );
  }
  return { scheme: 'rsa-pss', hash: messageHash };
}

function readHash(
  reader: DerReader,
  identifier: AlgorithmIdentifier,
  code: ErrorCode,
): HashAlgorithm {
  const { oid } = readAlgorithmIdentifier(reader, 'hash');
  reader.end('hash');
  const algorithm = HASHES.get(oid);
  if (algorithm === undefined)
    throw unsupported(identifier, code, `found RSA-PSS with hash ${oid}`);
  return algorithm;
}

function unsupported(identifier: AlgorithmIdentifier, code: ErrorCode, found: string): AgentError {
  return new AgentError(
    code,
    `${identifier.what}: expected RSA, RSA-PSS or ECDSA with SHA-256, SHA-384 or SHA-512, ${found}`,
  );
}
