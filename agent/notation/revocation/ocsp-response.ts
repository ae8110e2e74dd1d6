// OCSP responses (RFC 6960 4.2.1): DER in, a readonly value out. Nothing about it is trusted yet.
import { AgentError } from '../../errors.ts';
import { contextTag, DER_TAGS, DerReader } from '../encoding/der.ts';
import {
  decodeBitString,
  decodeObjectIdentifier,
  decodeSmallInteger,
  decodeTime,
} from '../encoding/der-value.ts';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from '../x509/algorithm-identifier.ts';
import { type Certificate, parseCertificate } from '../x509/certificate.ts';
import { readName } from '../x509/name.ts';
import { invalidEvidence } from './evidence-fault.ts';
import { type OcspAnswer, readOcspAnswer } from './ocsp-answer.ts';
import { readSignedExtensions } from './signed-extensions.ts';

export interface OcspResponse {
  /** DER of the part that is signed. */
  readonly tbs: Uint8Array;
  readonly responder: ResponderId;
  readonly producedAt: Date;
  readonly answers: readonly OcspAnswer[];
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
  /** What the responder sent to prove itself by; not verified. */
  readonly certificates: readonly Certificate[];
  /** Names it in messages. */
  readonly what: string;
}

/** Who says to have signed. */
export type ResponderId =
  | { readonly by: 'name'; /** DER of the name. */ readonly name: Uint8Array }
  | { readonly by: 'key'; /** SHA-1 of the public key. */ readonly keyHash: Uint8Array };

/** One answer with a delegate's chain takes 2 to 6 KiB; notation-go reads 20 KiB. */
export const MAX_OCSP_RESPONSE_BYTES = 64 * 1024;
/** A delegate and its issuer are two; each of these may cost a signature check. */
const MAX_CERTIFICATES = 8;

const ENUMERATED = 0x0a;
const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';
/** RFC 6960 4.2.1, OCSPResponseStatus. */
const STATUSES: ReadonlyMap<number, string> = new Map([
  [1, 'malformedRequest'],
  [2, 'internalError'],
  [3, 'tryLater'],
  [5, 'sigRequired'],
  [6, 'unauthorized'],
]);

/**
 * Parses one OCSP response, strictly and without trailing bytes. Who signed it, for which
 * certificate and for when, is not checked. Throws `revocation_unknown` when the responder says that
 * it does not answer, or `revocation_evidence_invalid`; what is wrong with a certificate in it
 * is `certificate_invalid`.
 */
export function parseOcspResponse(bytes: Uint8Array, what: string): OcspResponse {
  if (bytes.length > MAX_OCSP_RESPONSE_BYTES) {
    throw invalidEvidence(what, `expected at most ${MAX_OCSP_RESPONSE_BYTES} bytes`);
  }
  const whole = new DerReader(bytes, what, 'revocation_evidence_invalid');
  const outer = whole.enter(DER_TAGS.sequence, 'response');
  whole.end('response');
  const status = decodeSmallInteger(outer.read(ENUMERATED, 'response status'));
  if (status !== 0) {
    const found = STATUSES.get(status) ?? `status ${status}`;
    throw new AgentError('revocation_unknown', `${what}: expected an answer, found ${found}`);
  }
  const wrapper = outer.enter(contextTag(0), 'response bytes');
  outer.end('response');
  const typed = wrapper.enter(DER_TAGS.sequence, 'response bytes');
  wrapper.end('response bytes');
  const type = decodeObjectIdentifier(typed.read(DER_TAGS.objectIdentifier, 'response type'));
  if (type !== BASIC_RESPONSE) throw invalidEvidence(what, `expected a basic response`);
  const { content } = typed.read(DER_TAGS.octetString, 'basic response');
  typed.end('response bytes');
  return parseBasicResponse(content, what);
}

function parseBasicResponse(bytes: Uint8Array, what: string): OcspResponse {
  const whole = new DerReader(bytes, what, 'revocation_evidence_invalid');
  const basic = whole.enter(DER_TAGS.sequence, 'basic response');
  whole.end('basic response');
  const tbs = basic.read(DER_TAGS.sequence, 'response data');
  const signatureAlgorithm = readAlgorithmIdentifier(basic, 'signature algorithm');
  const signature = decodeBitString(basic.read(DER_TAGS.bitString, 'signature'));
  if (signature.unusedBits !== 0)
    throw invalidEvidence(what, 'expected a signature of whole bytes');
  const certificates = basic.peek() === undefined ? [] : readCertificates(basic, what);
  basic.end('basic response');
  return {
    tbs: tbs.raw,
    ...readResponseData(basic.open(tbs)),
    signatureAlgorithm,
    signature: signature.bytes,
    certificates,
    what,
  };
}

function readCertificates(reader: DerReader, what: string): readonly Certificate[] {
  const wrapper = reader.enter(contextTag(0), 'certificates');
  const list = wrapper.enter(DER_TAGS.sequence, 'certificates');
  wrapper.end('certificates');
  const certificates: Certificate[] = [];
  while (list.peek() !== undefined) {
    if (certificates.length === MAX_CERTIFICATES) {
      throw invalidEvidence(what, `expected at most ${MAX_CERTIFICATES} certificates`);
    }
    const { raw } = list.read(DER_TAGS.sequence, 'certificate');
    certificates.push(parseCertificate(raw, `${what}: certificate ${certificates.length + 1}`));
  }
  return certificates;
}

function readResponseData(
  reader: DerReader,
): Pick<OcspResponse, 'responder' | 'producedAt' | 'answers'> {
  const { what } = reader;
  // Version 1 is the default and the only one; DER leaves it out.
  if (reader.peek() === contextTag(0)) throw invalidEvidence(what, 'expected version 1');
  const responder = readResponderId(reader);
  const producedAt = decodeTime(reader.read(DER_TAGS.generalizedTime, 'produced at'));
  const list = reader.enter(DER_TAGS.sequence, 'answers');
  const answers: OcspAnswer[] = [];
  while (list.peek() !== undefined) answers.push(readOcspAnswer(list));
  if (reader.peek() !== undefined) {
    const wrapper = reader.enter(contextTag(1), 'response extensions');
    // Those that RFC 6960 defines need no understanding: no nonce was sent, and no history is asked.
    readSignedExtensions(wrapper, []);
    wrapper.end('response extensions');
  }
  reader.end('response data');
  return { responder, producedAt, answers };
}

function readResponderId(reader: DerReader): ResponderId {
  if (reader.peek() === contextTag(1)) {
    const wrapper = reader.enter(contextTag(1), 'responder name');
    const { raw } = readName(wrapper, 'responder name');
    wrapper.end('responder name');
    return { by: 'name', name: raw };
  }
  const wrapper = reader.enter(contextTag(2), 'responder key');
  const keyHash = wrapper.read(DER_TAGS.octetString, 'responder key').content;
  wrapper.end('responder key');
  return { by: 'key', keyHash };
}
