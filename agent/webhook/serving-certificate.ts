// The webhook's own certificate: self-signed, P-256, for TLS servers of the names given; RFC 5280.
import {
  bitString,
  der,
  explicit,
  positiveInteger,
  sequence,
  time,
} from '../notation/encoding/der-writer.ts';

/** What the certificate says. */
export interface ServingCertificateContent {
  /** DNS names; at least one. */
  readonly names: readonly string[];
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
const BASIC_CONSTRAINTS = oid('551d13');
const KEY_USAGE = oid('551d0f');
const EXTENDED_KEY_USAGE = oid('551d25');
const SUBJECT_ALTERNATIVE_NAME = oid('551d11');
const SERVER_AUTHENTICATION = oid('2b06010505070301');
const TRUE = der(0x01, Buffer.from([0xff]));
const SUBJECT = 'nodeseal webhook';
const DNS_NAME = 0x82;

/** Encodes the certificate in DER. It is trusted by itself and can issue none: there is no CA to be stolen. */
export function encodeServingCertificate(content: ServingCertificateContent): Buffer {
  const { names, publicKey, serial, notBefore, notAfter, sign } = content;
  const algorithm = sequence(ECDSA_WITH_SHA256);
  // Some TLS libraries look among those that they trust by the name alone: no two may have the same.
  const subject = `${SUBJECT} ${Buffer.from(serial).toString('hex')}`;
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(subject, 'utf8')))));
  const signed = sequence(
    ...[explicit(0, VERSION_3), positiveInteger(serial), algorithm, name],
    ...[sequence(time(notBefore), time(notAfter)), name, publicKey],
    explicit(3, sequence(...extensions(names))),
  );
  return sequence(signed, algorithm, bitString(sign(signed)));
}

function extensions(names: readonly string[]): readonly Buffer[] {
  const alternatives = names.map((name) => der(DNS_NAME, Buffer.from(name, 'latin1')));
  return [
    sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence())),
    // digitalSignature alone.
    sequence(KEY_USAGE, TRUE, der(0x04, bitString(Buffer.from([0x80]), 7))),
    sequence(EXTENDED_KEY_USAGE, der(0x04, sequence(SERVER_AUTHENTICATION))),
    sequence(SUBJECT_ALTERNATIVE_NAME, der(0x04, sequence(...alternatives))),
  ];
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}
