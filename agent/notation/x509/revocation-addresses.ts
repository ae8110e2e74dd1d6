// Where a certificate says that its revocation is told: authority information access and CRL
// distribution points (RFC 5280 4.2.2.1, 4.2.1.13).
import { contextTag, DER_TAGS, type DerReader } from '../encoding/der.ts';
import { decodeObjectIdentifier, decodeText } from '../encoding/der-value.ts';

const OCSP = '1.3.6.1.5.5.7.48.1';
/** GeneralName `[6]`: uniformResourceIdentifier, an IA5String. */
const URI = 0x86;
/** DistributionPoint `[1]`: reasons. */
const REASONS = 0x81;

/**
 * The URIs of OCSP responders in authority information access, or undefined when it names no
 * responder at all; empty when it names them in other forms only. Throws the reader's code.
 */
export function readOcspAccess(reader: DerReader): readonly string[] | undefined {
  const list = reader.enter(DER_TAGS.sequence, 'authority information access');
  reader.end('authority information access');
  let addresses: string[] | undefined;
  while (list.peek() !== undefined) {
    const description = list.enter(DER_TAGS.sequence, 'access description');
    const method = decodeObjectIdentifier(description.read(DER_TAGS.objectIdentifier, 'method'));
    const uris = readUri(description);
    description.end('access description');
    if (method === OCSP) (addresses ??= []).push(...uris);
  }
  return addresses;
}

/**
 * The URIs of each CRL distribution point; none for a point that has no full name. Reasons and CRL
 * issuers are skipped: what a list covers and who signed it is for the list itself to say. Throws
 * the reader's code.
 */
export function readCrlAddresses(reader: DerReader): readonly (readonly string[])[] {
  const list = reader.enter(DER_TAGS.sequence, 'CRL distribution points');
  reader.end('CRL distribution points');
  const points: (readonly string[])[] = [];
  while (list.peek() !== undefined) {
    const point = list.enter(DER_TAGS.sequence, 'distribution point');
    const name = point.readOptional(contextTag(0), 'distribution point name');
    point.readOptional(REASONS, 'reasons');
    point.readOptional(contextTag(2), 'CRL issuer');
    point.end('distribution point');
    points.push(name === undefined ? [] : readPointName(point.open(name)));
  }
  return points;
}

/** CHOICE of the full name `[0]` and a name relative to the issuer `[1]`, which has no address. */
function readPointName(reader: DerReader): readonly string[] {
  const fullName = reader.readOptional(contextTag(0), 'full name');
  if (fullName === undefined) return [];
  const names = reader.open(fullName);
  const addresses: string[] = [];
  while (names.peek() !== undefined) addresses.push(...readUri(names));
  return addresses;
}

/** Reads one GeneralName: none, when it is of another form. */
function readUri(reader: DerReader): readonly string[] {
  const name = reader.readAny('general name');
  return name.tag === URI ? [decodeText(name, DER_TAGS.ia5String)] : [];
}
