// TSTInfo (RFC 3161 2.4.2): what the authority says it saw, and when.
import { AgentError } from '../../errors.ts';
import { HASH_BYTES, type HashAlgorithm } from '../encoding/crypto.ts';
import { contextTag, DER_TAGS, type DerElement, DerReader } from '../encoding/der.ts';
import {
  decodeBoolean,
  decodeInteger,
  decodeObjectIdentifier,
  decodeSmallInteger,
  decodeTime,
} from '../encoding/der-value.ts';
import { der } from '../encoding/der-writer.ts';
import { readHashAlgorithm } from './hash-algorithm.ts';

export interface TstInfo {
  /** Digest of what was stamped; as long as `imprintHash` makes it. */
  readonly imprint: Uint8Array;
  readonly imprintHash: HashAlgorithm;
  /** To the millisecond; what is finer is cut off. */
  readonly time: Date;
  /** How far the true time may be from `time`, either way; microseconds are fractions. */
  readonly accuracyMs: number;
}

/** BTSP of ETSI EN 319 421: "an accuracy of 1 second or better", which its tokens need not repeat. */
const BASELINE_POLICY = '0.4.0.2023.1.1';
const BASELINE_ACCURACY_MS = 1000;

/** Implicit tags of the accuracy's parts. */
const MILLIS = 0x80;
const MICROS = 0x81;

/**
 * Parses a TSTInfo. Serial number, ordering, nonce and the authority's name are only checked for
 * their form: they serve those who ask for a stamp. Unlike in notation, an extension that is critical
 * is refused, since none is understood. Throws `timestamp_invalid` or `algorithm_unsupported`.
 */
export function parseTstInfo(content: Uint8Array): TstInfo {
  const whole = new DerReader(content, 'timestamp token: TSTInfo', 'timestamp_invalid');
  const reader = whole.enter(DER_TAGS.sequence, 'TSTInfo');
  whole.end('TSTInfo');
  const version = decodeSmallInteger(reader.read(DER_TAGS.integer, 'version'));
  if (version !== 1) throw invalid(whole, `expected version 1, found ${version}`);
  const policy = decodeObjectIdentifier(reader.read(DER_TAGS.objectIdentifier, 'policy'));
  const imprint = readMessageImprint(reader.enter(DER_TAGS.sequence, 'message imprint'));
  decodeInteger(reader.read(DER_TAGS.integer, 'serial number'));
  const time = decodeGenTime(reader.read(DER_TAGS.generalizedTime, 'time'));
  const accuracyMs = readAccuracy(reader, policy);
  const ordering = reader.readOptional(DER_TAGS.boolean, 'ordering');
  // DER leaves FALSE out; authorities that write it are common enough to read it.
  if (ordering !== undefined) decodeBoolean(ordering);
  const nonce = reader.readOptional(DER_TAGS.integer, 'nonce');
  if (nonce !== undefined) decodeInteger(nonce);
  reader.readOptional(contextTag(0), 'authority');
  if (reader.peek() === contextTag(1)) assertNoneCritical(reader.enter(contextTag(1), 'extension'));
  reader.end('TSTInfo');
  return { ...imprint, time, accuracyMs };
}

function readMessageImprint(reader: DerReader): Pick<TstInfo, 'imprint' | 'imprintHash'> {
  const imprintHash = readHashAlgorithm(reader, 'message imprint');
  const { content: imprint } = reader.read(DER_TAGS.octetString, 'message imprint');
  reader.end('message imprint');
  if (imprint.length !== HASH_BYTES[imprintHash]) {
    throw invalid(reader, `message imprint: expected ${HASH_BYTES[imprintHash]} bytes`);
  }
  return { imprint, imprintHash };
}

/** GeneralizedTime with a fraction, in UTC and without trailing zeros (RFC 3161 2.4.2). */
function decodeGenTime(element: DerElement): Date {
  const match = /^(\d{14})(?:\.(\d*[1-9]))?Z$/.exec(
    Buffer.from(element.content).toString('latin1'),
  );
  if (match === null) {
    throw new AgentError(element.code, `${element.what}: expected a UTC time in its shortest form`);
  }
  const [, digits = '', fraction = ''] = match;
  const withoutFraction = der(element.tag, Buffer.from(`${digits}Z`, 'latin1'));
  const reader = new DerReader(withoutFraction, element.what, element.code);
  const second = decodeTime(reader.readAny('to the second'));
  return new Date(second.getTime() + Number(fraction.slice(0, 3).padEnd(3, '0')));
}

/** trust-store-trust-policy.md, "Signature Verification > Steps": none or zero under BTSP is a second. */
function readAccuracy(reader: DerReader, policy: string): number {
  let accuracyMs = 0;
  if (reader.peek() === DER_TAGS.sequence) {
    const accuracy = reader.enter(DER_TAGS.sequence, 'accuracy');
    const seconds = accuracy.readOptional(DER_TAGS.integer, 'seconds');
    if (seconds !== undefined) accuracyMs += 1000 * decodeSmallInteger(seconds);
    accuracyMs += readThousandths(accuracy, MILLIS, 'milliseconds');
    accuracyMs += readThousandths(accuracy, MICROS, 'microseconds') / 1000;
    accuracy.end('accuracy');
  }
  return accuracyMs === 0 && policy === BASELINE_POLICY ? BASELINE_ACCURACY_MS : accuracyMs;
}

/** RFC 3161 has 1 to 999; a zero that could have been left out does no harm. */
function readThousandths(reader: DerReader, tag: number, field: string): number {
  const element = reader.readOptional(tag, field);
  if (element === undefined) return 0;
  const value = decodeSmallInteger(element);
  if (value > 999) throw invalid(reader, `${field}: expected at most 999, found ${value}`);
  return value;
}

/** Extensions as RFC 5280 4.2 defines them, so that what is critical must be understood. */
function assertNoneCritical(extensions: DerReader): void {
  while (extensions.peek() !== undefined) {
    const extension = extensions.enter(DER_TAGS.sequence, 'extension');
    const oid = decodeObjectIdentifier(extension.read(DER_TAGS.objectIdentifier, 'extension'));
    const critical = extension.readOptional(DER_TAGS.boolean, `extension ${oid}`);
    extension.read(DER_TAGS.octetString, `extension ${oid}`);
    extension.end(`extension ${oid}`);
    if (critical !== undefined && decodeBoolean(critical)) {
      throw invalid(extensions, `expected no critical extension, found ${oid}`);
    }
  }
}

function invalid({ what }: DerReader, fault: string): AgentError {
  return new AgentError('timestamp_invalid', `${what}: ${fault}`);
}
