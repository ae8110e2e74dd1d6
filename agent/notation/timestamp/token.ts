// TimeStampToken: the CMS that an RFC 3161 authority answers with (RFC 3161 2.4.2, RFC 5652 section 5).
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import { contextTag, DER_TAGS, type DerElement, DerReader } from '../encoding/der.ts';
import { decodeObjectIdentifier, decodeSmallInteger } from '../encoding/der-value.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { parseTstInfo, type TstInfo } from './tst-info.ts';

/** A token taken apart. Nothing of it has been verified. */
export interface TimestampToken {
  /** DER of the TSTInfo: what signers have a digest of. */
  readonly content: Uint8Array;
  readonly info: TstInfo;
  /** In no order that counts. */
  readonly certificates: readonly Certificate[];
  /** At least one. Not looked into, because one that is malformed does not spoil the others. */
  readonly signers: readonly DerElement[];
}

/** Tokens are 3 to 10 KiB, more with revocation lists inside; notation takes answers up to this size. */
export const MAX_TOKEN_BYTES = 1024 * 1024;
/** An authority sends two to four; each is parsed, and tried as an issuer. */
export const MAX_TOKEN_CERTIFICATES = 20;
/** RFC 3161 2.4.2 has one, of the authority. Each may cost as many signature checks as a path. */
export const MAX_TOKEN_SIGNERS = 4;

/** Names the token in messages. */
export const TOKEN = 'timestamp token';

/** id-ct-TSTInfo. */
export const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const SIGNED_DATA = '1.2.840.113549.1.7.2';

/** What RFC 5652 5.1 asks for with a content type other than data. */
const SIGNED_DATA_VERSION = 3;

/**
 * Parses a token. It must be DER throughout: authorities write that, while BER has many spellings for
 * one token (notation also takes BER with definite lengths). Embedded revocation lists are skipped.
 * Throws `timestamp_invalid`, `algorithm_unsupported` or `certificate_invalid`.
 */
export function parseTimestampToken(bytes: Uint8Array): TimestampToken {
  if (bytes.length > MAX_TOKEN_BYTES) {
    throw invalid(`expected at most ${MAX_TOKEN_BYTES} bytes, found ${bytes.length}`);
  }
  const signedData = openSignedData(new DerReader(bytes, TOKEN, 'timestamp_invalid'));
  const version = decodeSmallInteger(signedData.read(DER_TAGS.integer, 'version'));
  if (version !== SIGNED_DATA_VERSION) {
    throw invalid(`expected SignedData version ${SIGNED_DATA_VERSION}, found ${version}`);
  }
  // Unsigned, and repeated by each signer: only what the signer says counts.
  signedData.read(DER_TAGS.set, 'digest algorithms');
  const content = readContent(signedData.enter(DER_TAGS.sequence, 'content'));
  const certificates = readCertificates(signedData.readOptional(contextTag(0), 'certificates'));
  signedData.readOptional(contextTag(1), 'revocation lists');
  const signers = readSigners(signedData.enter(DER_TAGS.set, 'signers'));
  signedData.end('SignedData');
  return { content, info: parseTstInfo(content), certificates, signers };
}

/** ContentInfo (RFC 5652 section 3). */
function openSignedData(whole: DerReader): DerReader {
  const contentInfo = whole.enter(DER_TAGS.sequence, 'ContentInfo');
  whole.end('ContentInfo');
  const type = contentInfo.read(DER_TAGS.objectIdentifier, 'content type');
  assertType(decodeObjectIdentifier(type), SIGNED_DATA, 'content type');
  const wrapper = contentInfo.enter(contextTag(0), 'content');
  contentInfo.end('ContentInfo');
  const signedData = wrapper.enter(DER_TAGS.sequence, 'SignedData');
  wrapper.end('SignedData');
  return signedData;
}

/** EncapsulatedContentInfo (RFC 5652 5.2). */
function readContent(reader: DerReader): Uint8Array {
  const type = reader.read(DER_TAGS.objectIdentifier, 'encapsulated content type');
  assertType(decodeObjectIdentifier(type), TST_INFO, 'encapsulated content type');
  const wrapper = reader.enter(contextTag(0), 'encapsulated content');
  reader.end('encapsulated content');
  const { content } = wrapper.read(DER_TAGS.octetString, 'encapsulated content');
  wrapper.end('encapsulated content');
  return content;
}

/** CertificateSet (RFC 5652 10.2.3), of which only X.509 certificates are taken. */
function readCertificates(found: DerElement | undefined): Certificate[] {
  const certificates: Certificate[] = [];
  if (found === undefined) return certificates;
  const reader = new DerReader(found.content, TOKEN, 'timestamp_invalid');
  while (reader.peek() !== undefined) {
    const number = certificates.length + 1;
    if (number > MAX_TOKEN_CERTIFICATES) {
      throw invalid(`expected at most ${MAX_TOKEN_CERTIFICATES} certificates, found more`);
    }
    const { raw } = reader.read(DER_TAGS.sequence, `certificate ${number}`);
    certificates.push(parseCertificate(raw, `certificate ${number} in the ${TOKEN}`));
  }
  return certificates;
}

function readSigners(reader: DerReader): DerElement[] {
  const signers: DerElement[] = [];
  while (reader.peek() !== undefined) {
    if (signers.length === MAX_TOKEN_SIGNERS) {
      throw invalid(`expected at most ${MAX_TOKEN_SIGNERS} signers, found more`);
    }
    signers.push(reader.read(DER_TAGS.sequence, 'signer'));
  }
  if (signers.length === 0) throw invalid('expected a signer, found none');
  return signers;
}

function assertType(found: string, expected: string, field: string): void {
  if (found !== expected) throw invalid(`${field}: expected ${expected}, found ${show(found)}`);
}

function invalid(fault: string): AgentError {
  return new AgentError('timestamp_invalid', `${TOKEN}: ${fault}`);
}
