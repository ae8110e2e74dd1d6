// X.509 certificates (RFC 5280 4.1): DER in, a readonly value out. Nothing about it is trusted yet.
import { AgentError } from '../../errors.ts';
import { contextTag, DER_TAGS, DerReader } from '../encoding/der.ts';
import {
  decodeBitString,
  decodeInteger,
  decodeSmallInteger,
  decodeTime,
} from '../encoding/der-value.ts';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from './algorithm-identifier.ts';
import { type CertificateExtensions, NO_EXTENSIONS, readExtensions } from './extensions.ts';
import { type DistinguishedName, readName } from './name.ts';
import { type PublicKey, readPublicKey } from './public-key.ts';

export interface Certificate {
  /** DER of the whole: certificates are equal when these bytes are. */
  readonly raw: Uint8Array;
  /** DER of the part that is signed. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: PublicKey;
  readonly extensions: CertificateExtensions;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
}

/** Real ones are 1 to 3 KiB; the largest public CAs issue, with hundreds of names, are below this. */
export const MAX_CERTIFICATE_BYTES = 64 * 1024;

/** Implicit tags of issuerUniqueID and subjectUniqueID, which nobody uses and RFC 5280 allows. */
const UNIQUE_IDS = [0x81, 0x82] as const;

/**
 * Parses one DER certificate, strictly and without trailing bytes. Signature, validity, and whether
 * key and signature algorithms are allowed, are not checked. The value holds views into `bytes`.
 * Throws `certificate_invalid` naming `what`.
 */
export function parseCertificate(bytes: Uint8Array, what: string): Certificate {
  if (bytes.length > MAX_CERTIFICATE_BYTES) {
    throw invalid(what, `expected at most ${MAX_CERTIFICATE_BYTES} bytes, found ${bytes.length}`);
  }
  const whole = new DerReader(bytes, what, 'certificate_invalid');
  const outer = whole.enter(DER_TAGS.sequence, 'certificate');
  whole.end('certificate');
  const tbs = outer.read(DER_TAGS.sequence, 'to be signed');
  const signatureAlgorithm = readAlgorithmIdentifier(outer, 'signature algorithm');
  const signature = decodeBitString(outer.read(DER_TAGS.bitString, 'signature'));
  outer.end('certificate');
  if (signature.unusedBits !== 0) throw invalid(what, 'expected a signature of whole bytes');
  const { signedAlgorithm, ...fields } = readToBeSigned(outer.open(tbs), what);
  // RFC 5280 4.1.1.2: the unsigned name of the algorithm must repeat the signed one.
  if (Buffer.compare(signedAlgorithm.raw, signatureAlgorithm.raw) !== 0) {
    throw invalid(what, 'expected the same signature algorithm inside and outside');
  }
  return { raw: bytes, tbs: tbs.raw, ...fields, signatureAlgorithm, signature: signature.bytes };
}

type ToBeSigned = Omit<Certificate, 'raw' | 'tbs' | 'signatureAlgorithm' | 'signature'> & {
  readonly signedAlgorithm: AlgorithmIdentifier;
};

function readToBeSigned(reader: DerReader, what: string): ToBeSigned {
  const version = readVersion(reader, what);
  const serialNumber = decodeInteger(reader.read(DER_TAGS.integer, 'serial number'));
  const signedAlgorithm = readAlgorithmIdentifier(reader, 'signature algorithm');
  const issuer = readName(reader, 'issuer');
  const validity = reader.enter(DER_TAGS.sequence, 'validity');
  const notBefore = decodeTime(validity.readAny('not before'));
  const notAfter = decodeTime(validity.readAny('not after'));
  validity.end('validity');
  const subject = readName(reader, 'subject');
  const publicKey = readPublicKey(reader, 'public key');
  if (version > 1) for (const tag of UNIQUE_IDS) reader.readOptional(tag, 'unique id');
  const extensions =
    version === 3 && reader.peek() === contextTag(3)
      ? readExtensions(reader.enter(contextTag(3), 'extensions'))
      : NO_EXTENSIONS;
  reader.end('to be signed');
  return {
    version,
    serialNumber,
    signedAlgorithm,
    issuer,
    notBefore,
    notAfter,
    subject,
    publicKey,
    extensions,
  };
}

/** Encoded one less than called; version 1 is the default and left out. */
function readVersion(reader: DerReader, what: string): 1 | 2 | 3 {
  if (reader.peek() !== contextTag(0)) return 1;
  const wrapper = reader.enter(contextTag(0), 'version');
  const version = decodeSmallInteger(wrapper.read(DER_TAGS.integer, 'version'));
  wrapper.end('version');
  if (version === 1) return 2;
  if (version === 2) return 3;
  throw invalid(what, `expected version 2 or 3 where a version is written, found ${version + 1}`);
}

function invalid(what: string, fault: string): AgentError {
  return new AgentError('certificate_invalid', `${what}: ${fault}`);
}
