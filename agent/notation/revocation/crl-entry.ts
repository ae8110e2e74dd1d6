// One entry of a CRL: since when, why, and since when the key must be suspected (RFC 5280 5.3).
import { DER_TAGS, DerReader } from '../encoding/der.ts';
import { decodeSmallInteger, decodeTime } from '../encoding/der-value.ts';
import {
  EXTENSIONS,
  readInvalidityDate,
  readSignedExtensions,
  type SignedExtensions,
} from './signed-extensions.ts';

/** What a CRL says on one certificate. */
export interface CrlEntry {
  readonly revokedAt: Date;
  /** RFC 5280 5.3.1: what may be taken back, what takes it back, and all other reasons. */
  readonly reason: 'on_hold' | 'removed' | 'for_good';
  readonly invalidityDate: Date | undefined;
}

const CERTIFICATE_HOLD = 6;
const REMOVE_FROM_CRL = 8;
const ENUMERATED = 0x0a;

/** Parses one entry. Throws `revocation_evidence_invalid`. */
export function parseCrlEntry(bytes: Uint8Array, what: string): CrlEntry {
  const whole = new DerReader(bytes, `${what}: entry`, 'revocation_evidence_invalid');
  const entry = whole.enter(DER_TAGS.sequence, 'entry');
  whole.end('entry');
  entry.read(DER_TAGS.integer, 'serial number');
  const revokedAt = decodeTime(entry.readAny('revocation date'));
  const extensions: SignedExtensions =
    entry.peek() === undefined
      ? new Map()
      : readSignedExtensions(entry, [EXTENSIONS.reasonCode, EXTENSIONS.invalidityDate]);
  entry.end('entry');
  return {
    revokedAt,
    reason: readReason(extensions),
    invalidityDate: readInvalidityDate(extensions),
  };
}

function readReason(extensions: SignedExtensions): CrlEntry['reason'] {
  const value = extensions.get(EXTENSIONS.reasonCode);
  if (value === undefined) return 'for_good';
  const reader = value.open();
  const code = decodeSmallInteger(reader.read(ENUMERATED, 'reason'));
  reader.end('reason');
  if (code === CERTIFICATE_HOLD) return 'on_hold';
  return code === REMOVE_FROM_CRL ? 'removed' : 'for_good';
}
