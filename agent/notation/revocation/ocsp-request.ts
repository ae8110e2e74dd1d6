// The question to an OCSP responder (RFC 6960 4.1): one certificate, unsigned, without extensions.
import { sha1Name } from '../encoding/crypto.ts';
import { DER_TAGS } from '../encoding/der.ts';
import { keyBits } from './cert-id.ts';
import type { IssuedCertificate } from './status.ts';

/** AlgorithmIdentifier of SHA-1, the one hash that every responder knows (RFC 5019 2.1.1). */
const SHA1_IDENTIFIER = Buffer.from('300906052b0e03021a0500', 'hex');

/**
 * DER of an OCSPRequest. It carries no nonce: responders that sign ahead of time could not return
 * it, and nextUpdate bounds how old an answer may be replayed.
 */
export function encodeOcspRequest({ certificate, issuer }: IssuedCertificate): Uint8Array {
  const id = encode(
    DER_TAGS.sequence,
    SHA1_IDENTIFIER,
    encode(DER_TAGS.octetString, sha1Name(issuer.subject.raw)),
    encode(DER_TAGS.octetString, sha1Name(keyBits(issuer))),
    encode(DER_TAGS.integer, certificate.serialNumber),
  );
  // OCSPRequest, TBSRequest, requestList, Request: each a SEQUENCE of nothing but the next.
  return [1, 2, 3, 4].reduce((inner) => encode(DER_TAGS.sequence, inner), id);
}

/** Two octets of length reach 64 KiB: a serial number is shorter, as certificates are no longer. */
function encode(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length), content]);
}
