// Writes the certificates that we make ourselves: self-signed, version 3, P-256, for digital signatures alone; RFC 5280.
import { bitString, der, explicit, positiveInteger, sequence, time } from './der-writer.ts';

/** What the certificate says. */
export interface SelfSignedContent {
  readonly commonName: string;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
  /** Big-endian, of 1 to 20 bytes and not zero. */
  readonly serial: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Content of the one extended key usage, an object identifier in hexadecimal. */
  readonly purpose: string;
  /** Extensions beside the key usages, in DER. Default: none. */
  readonly extensions?: readonly Buffer[];
  /** ECDSA with SHA-256 over bytes by the private key, in DER. */
  readonly sign: (bytes: Uint8Array) => Uint8Array;
}

const VERSION_3 = der(0x02, Buffer.from([2]));
const ECDSA_WITH_SHA256 = objectIdentifier('2a8648ce3d040302');
const COMMON_NAME = objectIdentifier('550403');
const KEY_USAGE = objectIdentifier('551d0f');
const EXTENDED_KEY_USAGE = objectIdentifier('551d25');
const TRUE = der(0x01, Buffer.from([0xff]));

/** Encodes the certificate in DER. Nothing of the content is checked. */
export function encodeSelfSigned(content: SelfSignedContent): Buffer {
  const { commonName, publicKey, serial, notBefore, notAfter, purpose, sign } = content;
  const algorithm = sequence(ECDSA_WITH_SHA256);
  const text = der(0x0c, Buffer.from(commonName, 'utf8'));
  const name = sequence(der(0x31, sequence(COMMON_NAME, text)));
  const usages = [
    // digitalSignature, and no other.
    criticalExtension(KEY_USAGE, bitString(Buffer.from([0x80]), 7)),
    extension(EXTENDED_KEY_USAGE, sequence(objectIdentifier(purpose))),
  ];
  const signed = sequence(
    ...[explicit(0, VERSION_3), positiveInteger(serial), algorithm, name],
    ...[sequence(time(notBefore), time(notAfter)), name, publicKey],
    explicit(3, sequence(...usages, ...(content.extensions ?? []))),
  );
  return sequence(signed, algorithm, bitString(sign(signed)));
}

/** An extension by its object identifier in DER and its content in DER. */
export function extension(identifier: Buffer, content: Buffer): Buffer {
  return sequence(identifier, der(0x04, content));
}

/** The same, for whoever does not know it to refuse the certificate. */
export function criticalExtension(identifier: Buffer, content: Buffer): Buffer {
  return sequence(identifier, TRUE, der(0x04, content));
}

/** An object identifier by the hexadecimal of its content. */
export function objectIdentifier(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}
