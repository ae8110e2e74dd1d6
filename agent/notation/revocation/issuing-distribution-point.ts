// IssuingDistributionPoint (RFC 5280 5.2.5): which certificates a CRL speaks of at all.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import { contextTag, DER_TAGS, type DerElement, type DerReader } from '../encoding/der.ts';
import { decodeBitString, decodeBoolean, decodeText } from '../encoding/der-value.ts';
import type { Certificate } from '../x509/certificate.ts';

export interface IssuingDistributionPoint {
  /** URIs of the point; undefined when it has no name, empty when that is of another form. */
  readonly addresses: readonly string[] | undefined;
  readonly onlyUserCertificates: boolean;
  readonly onlyCaCertificates: boolean;
  readonly onlyAttributeCertificates: boolean;
  readonly onlySomeReasons: boolean;
  /** It may hold entries for other issuers. */
  readonly indirect: boolean;
}

/** GeneralName `[6]`: uniformResourceIdentifier, an IA5String. */
const URI = 0x86;
/** Implicit primitive tags of the fields after the name. */
const FIELDS = { user: 0x81, ca: 0x82, reasons: 0x83, indirect: 0x84, attribute: 0x85 } as const;

/** Parses the extension's value. Throws `revocation_evidence_invalid`. */
export function parseIssuingDistributionPoint(value: DerElement): IssuingDistributionPoint {
  const whole = value.open();
  const point = whole.enter(DER_TAGS.sequence, 'issuing distribution point');
  whole.end('issuing distribution point');
  const name = point.readOptional(contextTag(0), 'distribution point name');
  const isSet = (tag: number): boolean => {
    const flag = point.readOptional(tag, 'issuing distribution point');
    return flag !== undefined && decodeBoolean(flag);
  };
  const onlyUserCertificates = isSet(FIELDS.user);
  const onlyCaCertificates = isSet(FIELDS.ca);
  const reasons = point.readOptional(FIELDS.reasons, 'only some reasons');
  if (reasons !== undefined) decodeBitString(reasons);
  const indirect = isSet(FIELDS.indirect);
  const onlyAttributeCertificates = isSet(FIELDS.attribute);
  point.end('issuing distribution point');
  return {
    addresses: name === undefined ? undefined : readAddresses(point.open(name)),
    onlyUserCertificates,
    onlyCaCertificates,
    onlyAttributeCertificates,
    onlySomeReasons: reasons !== undefined,
    indirect,
  };
}

/** CHOICE of the full name `[0]`, names of which each will do, and one relative to the issuer. */
function readAddresses(reader: DerReader): readonly string[] {
  const name = reader.readAny('distribution point name');
  reader.end('distribution point name');
  if (name.tag !== contextTag(0)) return [];
  const names = reader.open(name);
  const addresses: string[] = [];
  while (names.peek() !== undefined) {
    const one = names.readAny('full name');
    if (one.tag === URI) addresses.push(decodeText(one, DER_TAGS.ia5String));
  }
  return addresses;
}

/**
 * Asserts that a CRL with this extension speaks of a certificate that names `addresses` as its
 * distribution point: RFC 5280 6.3.3 (b)(2). A CA may keep the CRL of its other certificates at
 * another place, and without this check that one, where this certificate is not, would do.
 * notation-go ignores the extension. Throws `revocation_unknown`.
 */
export function assertCovered(
  point: IssuingDistributionPoint,
  certificate: Certificate,
  addresses: readonly string[],
  what: string,
): void {
  const subject = show(certificate.subject.text);
  const isCa = certificate.extensions.basicConstraints?.ca === true;
  const notOf =
    (point.onlyUserCertificates && isCa && 'certificates that are no CA') ||
    (point.onlyCaCertificates && !isCa && 'CA certificates') ||
    (point.onlyAttributeCertificates && 'attribute certificates') ||
    (point.indirect && 'several issuers');
  if (notOf !== false) throw uncovered(what, `a CRL that covers ${subject}`, `one of ${notOf}`);
  if (point.addresses === undefined) return;
  if (point.addresses.some((address) => addresses.includes(address))) return;
  const found = point.addresses.map(show).join(', ') || 'one without an address';
  throw uncovered(what, `a distribution point that ${subject} names`, found);
}

function uncovered(what: string, expected: string, found: string): AgentError {
  return new AgentError('revocation_unknown', `${what}: expected ${expected}, found ${found}`);
}
