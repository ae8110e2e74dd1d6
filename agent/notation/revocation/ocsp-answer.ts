// What an OCSP response says on one certificate: SingleResponse (RFC 6960 4.2.1).
import { contextTag, DER_TAGS, type DerReader } from '../encoding/der.ts';
import { decodeSmallInteger, decodeTime } from '../encoding/der-value.ts';
import { type CertId, readCertId } from './cert-id.ts';
import { invalidEvidence } from './evidence-fault.ts';
import { EXTENSIONS, readInvalidityDate, readSignedExtensions } from './signed-extensions.ts';

export interface OcspAnswer {
  readonly id: CertId;
  readonly status: OcspStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  /** Since when the key must be suspected, if the responder says so. */
  readonly invalidityDate: Date | undefined;
}

/** `revoked` on hold as well: what may come back is not good now. */
export type OcspStatus =
  | { readonly kind: 'good' }
  | { readonly kind: 'revoked'; readonly at: Date }
  | { readonly kind: 'unknown' };

const GOOD = 0x80;
const UNKNOWN = 0x82;
const ENUMERATED = 0x0a;

/** Reads one SingleResponse. Throws `revocation_evidence_invalid`. */
export function readOcspAnswer(reader: DerReader): OcspAnswer {
  const inside = reader.enter(DER_TAGS.sequence, 'answer');
  const id = readCertId(inside);
  const status = readStatus(inside);
  const thisUpdate = decodeTime(inside.read(DER_TAGS.generalizedTime, 'this update'));
  const nextUpdate = readNextUpdate(inside);
  const invalidityDate = inside.peek() === undefined ? undefined : readExtensions(inside);
  inside.end('answer');
  return { id, status, thisUpdate, nextUpdate, invalidityDate };
}

function readStatus(reader: DerReader): OcspStatus {
  const tag = reader.peek();
  if (tag === GOOD || tag === UNKNOWN) {
    const { content } = reader.readAny('status');
    if (content.length > 0) throw invalidEvidence(reader.what, 'expected a status without content');
    return { kind: tag === GOOD ? 'good' : 'unknown' };
  }
  const revoked = reader.enter(contextTag(1), 'status');
  const at = decodeTime(revoked.read(DER_TAGS.generalizedTime, 'revocation time'));
  if (revoked.peek() !== undefined) {
    const reason = revoked.enter(contextTag(0), 'revocation reason');
    decodeSmallInteger(reason.read(ENUMERATED, 'revocation reason'));
    reason.end('revocation reason');
  }
  revoked.end('status');
  return { kind: 'revoked', at };
}

function readNextUpdate(reader: DerReader): Date | undefined {
  if (reader.peek() !== contextTag(0)) return undefined;
  const wrapper = reader.enter(contextTag(0), 'next update');
  const nextUpdate = decodeTime(wrapper.read(DER_TAGS.generalizedTime, 'next update'));
  wrapper.end('next update');
  return nextUpdate;
}

/** RFC 6960 4.4.5: extensions of CRL entries may stand here as well. */
function readExtensions(reader: DerReader): Date | undefined {
  const wrapper = reader.enter(contextTag(1), 'answer extensions');
  const extensions = readSignedExtensions(wrapper, [
    EXTENSIONS.invalidityDate,
    EXTENSIONS.reasonCode,
  ]);
  wrapper.end('answer extensions');
  return readInvalidityDate(extensions);
}
