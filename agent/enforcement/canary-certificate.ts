// The canary's certificate: self-signed, for code signing, P-256; signature-specification.md, "Certificate Requirements".
import {
  bitString,
  der,
  explicit,
  positiveInteger,
  sequence,
  time,
} from '../notation/encoding/der-writer.ts';

/** What the certificate says. */
export interface CanaryCertificate {
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
  /** Big-endian, of 1 to 20 bytes and not zero. */
  readonly serial: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** ECDSA with SHA-256 over bytes by the private key, in DER. */
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

const VERSION_3 = der(0x02, Buffer.from([2]));
const ECDSA_WITH_SHA256 = oid('2a8648ce3d040302');
const COMMON_NAME = oid('550403');
const KEY_USAGE = oid('551d0f');
const EXTENDED_KEY_USAGE = oid('551d25');
const CODE_SIGNING = oid('2b06010505070303');
const TRUE = der(0x01, Buffer.from([0xff]));
const SUBJECT = 'nodeseal canary';

/** Encodes the certificate in DER. */
export function encodeCanaryCertificate(certificate: CanaryCertificate): Buffer {
  const { publicKey, serial, notBefore, notAfter, sign } = certificate;
  const algorithm = sequence(ECDSA_WITH_SHA256);
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(SUBJECT, 'utf8')))));
  const signed = sequence(
    ...[explicit(0, VERSION_3), positiveInteger(serial), algorithm, name],
    ...[sequence(time(notBefore), time(notAfter)), name, publicKey],
    explicit(3, sequence(keyUsage(), extendedKeyUsage())),
  );
  return sequence(signed, algorithm, bitString(sign(signed)));
}

/** digitalSignature alone, critical: what a leaf must have and all that it may have. */
function keyUsage(): Buffer {
  return sequence(KEY_USAGE, TRUE, der(0x04, bitString(Buffer.from([0x80]), 7)));
}

function extendedKeyUsage(): Buffer {
  return sequence(EXTENDED_KEY_USAGE, der(0x04, sequence(CODE_SIGNING)));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}
