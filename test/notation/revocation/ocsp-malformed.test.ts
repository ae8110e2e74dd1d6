// Malformed OCSP responses: each a good one with one field broken.
import { describe, expect, it } from 'vitest';
import {
  MAX_OCSP_RESPONSE_BYTES,
  parseOcspResponse,
} from '../../../agent/notation/revocation/ocsp-response.ts';
import { algorithmIdentifier } from '../../support/certificate-signature.ts';
import { generalizedTime } from '../../support/crl.ts';
import {
  bitString,
  der,
  explicit,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
} from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';
import { ocspResponse } from '../../support/ocsp.ts';
import { NOW } from './fixture.ts';

const TIME = generalizedTime(NOW);
const SUCCESSFUL = der(0x0a, Buffer.of(0));
const NONE = Buffer.alloc(0);

type Part =
  | 'version'
  | 'responder'
  | 'producedAt'
  | 'hashAlgorithm'
  | 'nameHash'
  | 'keyHash'
  | 'serialNumber'
  | 'idEnd'
  | 'status'
  | 'thisUpdate'
  | 'nextUpdate'
  | 'answerEnd'
  | 'dataEnd'
  | 'algorithm'
  | 'signature'
  | 'basicEnd';

/** Every part has a default; together they are a good response but for its signature. */
const GOOD: Readonly<Record<Part, Buffer>> = {
  version: NONE,
  responder: explicit(2, octetString(Buffer.alloc(20))),
  producedAt: TIME,
  hashAlgorithm: sequence(objectIdentifier('1.3.14.3.2.26'), nullValue()),
  nameHash: octetString(Buffer.alloc(20)),
  keyHash: octetString(Buffer.alloc(20)),
  serialNumber: integer(1),
  idEnd: NONE,
  status: der(0x80),
  thisUpdate: TIME,
  nextUpdate: explicit(0, TIME),
  answerEnd: NONE,
  dataEnd: NONE,
  algorithm: algorithmIdentifier('ecdsa-sha256'),
  signature: bitString(Buffer.alloc(70)),
  basicEnd: NONE,
};

function basic(parts: Partial<Record<Part, Buffer>> = {}): Buffer {
  const part = { ...GOOD, ...parts };
  const id = sequence(
    part.hashAlgorithm,
    part.nameHash,
    part.keyHash,
    part.serialNumber,
    part.idEnd,
  );
  const answer = sequence(id, part.status, part.thisUpdate, part.nextUpdate, part.answerEnd);
  const data = sequence(
    part.version,
    part.responder,
    part.producedAt,
    sequence(answer),
    part.dataEnd,
  );
  return sequence(data, part.algorithm, part.signature, part.basicEnd);
}

function parse(bytes: Uint8Array) {
  return parseOcspResponse(bytes, 'it');
}

describe('parseOcspResponse of malformed input', () => {
  it('accepts what the cases below start from', () => {
    expect(parse(ocspResponse(basic())).answers).toHaveLength(1);
    const revoked = explicit(1, TIME, explicit(0, der(0x0a, Buffer.of(1))));
    expect(parse(ocspResponse(basic({ status: revoked }))).answers[0]?.status.kind).toBe('revoked');
  });

  it.each([
    ['a version', { version: explicit(0, integer(0)) }],
    ['another kind of responder', { responder: explicit(3, octetString(NONE)) }],
    ['a responder and more', { responder: explicit(2, octetString(NONE), nullValue()) }],
    ['a responder that is no name', { responder: explicit(1, set()) }],
    ['a UTCTime', { producedAt: time(NOW) }],
    ['a hash algorithm without name', { hashAlgorithm: sequence() }],
    ['a hash that is no octets', { nameHash: bitString(NONE) }],
    ['no key hash', { keyHash: NONE }],
    ['a padded serial number', { serialNumber: der(0x02, Buffer.of(0, 1)) }],
    ['more in the certificate id', { idEnd: nullValue() }],
    ['a status with content', { status: der(0x80, Buffer.of(0)) }],
    ['another status', { status: der(0x83) }],
    ['revoked without a time', { status: explicit(1) }],
    [
      'revoked with more than a reason',
      { status: explicit(1, TIME, explicit(0, der(0x0a, Buffer.of(1))), TIME) },
    ],
    ['a reason that is no number', { status: explicit(1, TIME, explicit(0, integer(1))) }],
    ['a UTCTime as this update', { thisUpdate: time(NOW) }],
    ['two next updates', { nextUpdate: explicit(0, TIME, TIME) }],
    ['something after an answer', { answerEnd: nullValue() }],
    ['something after its data', { dataEnd: nullValue() }],
    ['an algorithm without name', { algorithm: sequence() }],
    ['a signature with odd bits', { signature: bitString(Buffer.of(0), 1) }],
    ['something after its signature', { basicEnd: nullValue() }],
    ['certificates and more', { basicEnd: explicit(0, sequence(), nullValue()) }],
  ] satisfies [string, Partial<Record<Part, Buffer>>][])('refuses %s', (_, parts) => {
    expectCode(() => parse(ocspResponse(basic(parts))), 'revocation_evidence_invalid');
  });

  const typed = (oid: string): Buffer => sequence(objectIdentifier(oid), octetString(basic()));

  it.each([
    ['nothing', NONE],
    ['trailing bytes', Buffer.concat([ocspResponse(basic()), Buffer.of(0)])],
    ['trailing bytes within', ocspResponse(Buffer.concat([basic(), Buffer.of(0)]))],
    ['success without an answer', sequence(SUCCESSFUL)],
    ['another type', sequence(SUCCESSFUL, explicit(0, typed('1.3.6.1.5.5.7.48.1.2')))],
    ['two answers', sequence(SUCCESSFUL, explicit(0, typed('1.3.6.1.5.5.7.48.1.1')), nullValue())],
    ['a status that is no enumeration', sequence(integer(0))],
  ])('refuses %s', (_, bytes) => {
    expectCode(() => parse(bytes), 'revocation_evidence_invalid');
  });

  it('bounds the size', () => {
    const response = ocspResponse(basic());
    const padded = Buffer.concat([
      response,
      Buffer.alloc(MAX_OCSP_RESPONSE_BYTES - response.length + 1),
    ]);
    const { message } = expectCode(() => parse(padded), 'revocation_evidence_invalid');
    expect(message).toContain(`at most ${MAX_OCSP_RESPONSE_BYTES} bytes`);
  });
});
