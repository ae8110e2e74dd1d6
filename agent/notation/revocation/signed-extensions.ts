// Extensions of CRLs, of their entries and of OCSP responses (RFC 5280 5.2 and 5.3, RFC 6960 4.4).
import { DER_TAGS, type DerElement, type DerReader } from '../encoding/der.ts';
import { decodeBoolean, decodeObjectIdentifier, decodeTime } from '../encoding/der-value.ts';
import { invalidEvidence } from './evidence-fault.ts';

/** Dotted object identifiers. */
export const EXTENSIONS = {
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  authorityKeyIdentifier: '2.5.29.35',
  freshestCrl: '2.5.29.46',
} as const;

/** Extensions by object identifier, each as its whole OCTET STRING. */
export type SignedExtensions = ReadonlyMap<string, DerElement>;

/** RFC 5280 and RFC 6960 together define fewer than twenty. */
const MAX_EXTENSIONS = 32;

/**
 * Reads a SEQUENCE of extensions. A critical one that is not in `understood` makes the whole
 * unusable, because it may change what the rest means (RFC 5280 5.2, RFC 6960 4.4). Throws
 * `revocation_evidence_invalid`.
 */
export function readSignedExtensions(
  reader: DerReader,
  understood: readonly string[],
): SignedExtensions {
  const found = new Map<string, DerElement>();
  const list = reader.enter(DER_TAGS.sequence, 'extensions');
  while (list.peek() !== undefined) {
    const extension = list.enter(DER_TAGS.sequence, 'extension');
    const oid = decodeObjectIdentifier(extension.read(DER_TAGS.objectIdentifier, 'extension'));
    const flag = extension.readOptional(DER_TAGS.boolean, `extension ${oid}`);
    const value = extension.read(DER_TAGS.octetString, `extension ${oid}`);
    extension.end(`extension ${oid}`);
    if (flag !== undefined && decodeBoolean(flag) && !understood.includes(oid)) {
      throw invalidEvidence(reader.what, `expected no critical extension ${oid}`);
    }
    if (found.has(oid)) throw invalidEvidence(reader.what, `expected extension ${oid} once`);
    if (found.size === MAX_EXTENSIONS) {
      throw invalidEvidence(reader.what, `expected at most ${MAX_EXTENSIONS} extensions`);
    }
    found.set(oid, value);
  }
  return found;
}

/** RFC 5280 5.3.2: since when the key must be suspected, if it says so. */
export function readInvalidityDate(extensions: SignedExtensions): Date | undefined {
  const value = extensions.get(EXTENSIONS.invalidityDate);
  if (value === undefined) return undefined;
  const reader = value.open();
  const date = decodeTime(reader.read(DER_TAGS.generalizedTime, 'invalidity date'));
  reader.end('invalidity date');
  return date;
}
