// Signed attributes of a timestamp token (RFC 5652 section 11, RFC 5816): what the authority's
// signature covers besides the digest.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import { DER_TAGS, type DerElement, type DerReader } from '../encoding/der.ts';
import { decodeObjectIdentifier, decodeTime } from '../encoding/der-value.ts';
import { parseSigningCertificate, type SigningCertificateId } from './signing-certificate.ts';
import { TST_INFO } from './token.ts';

export interface SignedAttributes {
  /** Digest of the TSTInfo. */
  readonly messageDigest: Uint8Array;
  readonly signingCertificate: SigningCertificateId;
  /** What the clock of the signing software showed; not the time of the stamp. */
  readonly signingTime?: Date;
}

/** Authorities write four to six. */
export const MAX_SIGNED_ATTRIBUTES = 20;

const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const SIGNING_TIME = '1.2.840.113549.1.9.5';
/** Not the first version (.12), whose digest is SHA-1. */
const SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47';

/**
 * Reads the attributes, in DER: in order and each type once, so that one set has one encoding. Those
 * that are not named here are ignored. Throws `timestamp_invalid` or `algorithm_unsupported`.
 */
export function readSignedAttributes(reader: DerReader): SignedAttributes {
  const values = readValues(reader);
  const contentType = openValue(values, CONTENT_TYPE, 'content type', reader);
  const type = decodeObjectIdentifier(contentType.read(DER_TAGS.objectIdentifier, 'content type'));
  contentType.end('content type');
  if (type !== TST_INFO) {
    throw invalid(reader, `content type: expected ${TST_INFO}, found ${show(type)}`);
  }
  const digest = openValue(values, MESSAGE_DIGEST, 'message digest', reader);
  const { content: messageDigest } = digest.read(DER_TAGS.octetString, 'message digest');
  digest.end('message digest');
  const signingCertificate = parseSigningCertificate(
    openValue(values, SIGNING_CERTIFICATE_V2, 'signing certificate V2', reader),
  );
  const signingTime = values.get(SIGNING_TIME);
  return {
    messageDigest,
    signingCertificate,
    ...(signingTime && { signingTime: readSigningTime(reader.open(signingTime)) }),
  };
}

/** The SET of values of each attribute, by type. */
function readValues(reader: DerReader): ReadonlyMap<string, DerElement> {
  const values = new Map<string, DerElement>();
  let previous: DerElement | undefined;
  while (reader.peek() !== undefined) {
    if (values.size === MAX_SIGNED_ATTRIBUTES) {
      throw invalid(reader, `expected at most ${MAX_SIGNED_ATTRIBUTES}, found more`);
    }
    const element = reader.read(DER_TAGS.sequence, 'attribute');
    // X.690 11.6: a SET OF is in ascending order of its elements' encodings.
    if (previous !== undefined && Buffer.compare(previous.raw, element.raw) > 0) {
      throw invalid(reader, 'expected them in the order of DER');
    }
    previous = element;
    const attribute = reader.open(element);
    const oid = decodeObjectIdentifier(attribute.read(DER_TAGS.objectIdentifier, 'attribute'));
    if (values.has(oid)) throw invalid(reader, `${oid}: expected once, found twice`);
    values.set(oid, attribute.read(DER_TAGS.set, `attribute ${oid}`));
    attribute.end(`attribute ${oid}`);
  }
  return values;
}

function openValue(
  values: ReadonlyMap<string, DerElement>,
  oid: string,
  name: string,
  reader: DerReader,
): DerReader {
  const value = values.get(oid);
  if (value === undefined) throw invalid(reader, `expected the attribute ${name}, found none`);
  return reader.open(value);
}

function readSigningTime(reader: DerReader): Date {
  const time = decodeTime(reader.readAny('signing time'));
  reader.end('signing time');
  return time;
}

function invalid({ what }: DerReader, fault: string): AgentError {
  return new AgentError('timestamp_invalid', `${what}: ${fault}`);
}
