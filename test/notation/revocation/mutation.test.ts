// Evidence with bytes that are not what its signer wrote: refused, or the same as before.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import { parseCertificateList } from '../../../agent/notation/revocation/certificate-list.ts';
import { CrlEntries } from '../../../agent/notation/revocation/crl-entries.ts';
import { crlStatus, verifyCrl } from '../../../agent/notation/revocation/crl.ts';
import { parseOcspResponse } from '../../../agent/notation/revocation/ocsp-response.ts';
import { ocspStatus, verifyOcspResponse } from '../../../agent/notation/revocation/ocsp.ts';
import type { RevocationStatus } from '../../../agent/notation/revocation/status.ts';
import { DER_TAGS, DerReader } from '../../../agent/notation/encoding/der.ts';
import { decodeBoolean, decodeInteger } from '../../../agent/notation/encoding/der-value.ts';
import { crlEntry, mintCrl } from '../../support/crl.ts';
import { der, integer, sequence, time } from '../../support/der.ts';
import { mintOcspDelegate, mintOcspResponse, serialOf } from '../../support/ocsp.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { runs } from '../../support/properties.ts';
import { CA, hoursFromNow, issuedBy, NOW, parsed } from './fixture.ts';

const ISSUER = CA.issuer;
const LEAF = CA.issue();
const ISSUED = issuedBy(ISSUER, LEAF);
const PARSED_ISSUER = parsed(ISSUER);
const REVOKED = { now: NOW, status: 'revoked', reason: 1 } as const;
const OCSP = mintOcspResponse(LEAF, ISSUER, { ...REVOKED, signer: mintOcspDelegate(ISSUER) });
const ENTRIES = [{ serialNumber: 7 }, { serialNumber: serialOf(LEAF), reason: 1 }];
const CRL = mintCrl(ISSUER, {
  now: NOW,
  entries: ENTRIES,
  point: { uris: ['http://crl.example/1.crl'] },
});

const EVIDENCE = [
  ['an OCSP response', OCSP, ocspOf, (bytes: Uint8Array) => parseOcspResponse(bytes, 'it')],
  ['a CRL', CRL, crlOf, (bytes: Uint8Array) => parseCertificateList(bytes, 'it')],
] as const;

function ocspOf(bytes: Uint8Array): RevocationStatus {
  return ocspStatus(verifyOcspResponse(bytes, ISSUED, NOW, 'it'), undefined, 'it');
}

function crlOf(bytes: Uint8Array): RevocationStatus {
  const base = verifyCrl(bytes, PARSED_ISSUER, NOW, 'it');
  const lists = { base, delta: undefined, addresses: ['http://crl.example/1.crl'] };
  return crlStatus(lists, ISSUED, undefined);
}

describe.each(EVIDENCE)('%s', (_, good, statusOf, parse) => {
  const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }));
  const changed = fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const bytes = Buffer.from(good);
    for (const [at, mask] of changes) bytes[at] = (bytes[at] ?? 0) ^ mask;
    return bytes;
  });
  const slice = fc
    .tuple(fc.nat(good.length), fc.nat(good.length))
    .map(([start, end]) => good.subarray(start, end));
  const nested = fc
    .tuple(fc.constantFrom(0x02, 0x04, 0x0a, 0x30, 0xa0, 0xa1), fc.uint8Array())
    .map(([tag, content]) => der(tag, content));

  it('is refused by our own error, or read, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), slice, nested, changed), (bytes) => {
        valueOrAgentError(() => parse(bytes));
      }),
      { numRuns: runs(2000) },
    );
  });

  it('is refused for reasons of revocation, or says the same as before', () => {
    const before = statusOf(good);
    expect(before.kind).toBe('revoked');
    fc.assert(
      fc.property(changed, (bytes) => {
        const after = valueOrAgentError(() => statusOf(bytes));
        if (!(after instanceof AgentError)) expect(after).toEqual(before);
        else expect(after.code).toMatch(/^revocation_(?:unknown|evidence_invalid)$/);
      }),
      { numRuns: runs(1000) },
    );
  });

  it('is refused when a byte is missing, or one is too many', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, octet) => {
        const head = good.subarray(0, at);
        const shorter = Buffer.concat([head, good.subarray(at + 1)]);
        const longer = Buffer.concat([head, Buffer.of(octet), good.subarray(at)]);
        for (const bytes of [shorter, longer]) expect(() => statusOf(bytes)).toThrow(AgentError);
      }),
      { numRuns: runs(500) },
    );
  });
});

describe('the walk over entries', () => {
  const extension = fc.constantFrom(
    { oid: '2.5.29.24', critical: true, value: der(0x05) },
    { oid: '2.5.29.24', critical: false, value: der(0x05) },
    { oid: '2.5.29.29', critical: true, value: sequence() },
    { oid: '1.2.3.4', critical: false, value: Buffer.alloc(200) },
  );
  const entry = fc.record(
    {
      serialNumber: fc.bigInt({ min: 0n, max: 2n ** 70n }),
      reason: fc.nat(10),
      revokedAt: fc.constant(hoursFromNow(-1)),
      extensions: fc.array(extension, { maxLength: 2 }),
    },
    { requiredKeys: ['serialNumber'] },
  );
  const whole = fc
    .array(entry, { maxLength: 5 })
    .map((entries) => Buffer.concat(entries.map(crlEntry)));
  const broken = fc
    .tuple(whole, fc.nat(), fc.nat(255))
    .map(([bytes, at, octet]) =>
      Buffer.from(bytes.map((old, index) => (index === at % bytes.length ? octet : old))),
    );

  it('is as strict as reading each of them', () => {
    fc.assert(
      fc.property(fc.oneof(whole, broken, fc.uint8Array({ maxLength: 12 })), (bytes) => {
        const walked = valueOrAgentError(() => new CrlEntries(bytes, 'it'));
        const read = valueOrAgentError(() => readSlowly(bytes));
        expect(walked instanceof AgentError).toBe(read instanceof AgentError);
        if (walked instanceof AgentError || read instanceof AgentError) return;
        for (const serial of new Set(read)) {
          const octets = Buffer.from(serial, 'hex');
          const found = valueOrAgentError(() => walked.find(octets));
          const count = read.filter((one) => one === serial).length;
          if (!(found instanceof AgentError)) expect(found).toHaveLength(count);
        }
      }),
      { numRuns: runs(2000) },
    );
  });

  it('finds every one of many, and no other', () => {
    const serials = Array.from({ length: 1000 }, (_, index) => index * 2 + 1);
    const bytes = Buffer.concat(serials.map((serial) => sequence(integer(serial), time(NOW))));
    const entries = new CrlEntries(bytes, 'it');
    for (const serial of serials) {
      expect(entries.find(integer(serial).subarray(2))).toHaveLength(1);
      expect(entries.find(integer(serial + 1).subarray(2))).toEqual([]);
    }
  });
});

/** The serial numbers of entries, by a reader that makes a value of everything. */
function readSlowly(bytes: Uint8Array): string[] {
  const list = new DerReader(bytes, 'it', 'revocation_evidence_invalid');
  const serials: string[] = [];
  while (list.peek() !== undefined) {
    const entry = list.enter(DER_TAGS.sequence, 'entry');
    const serial = decodeInteger(entry.read(DER_TAGS.integer, 'serial'));
    serials.push(Buffer.from(serial).toString('hex'));
    const isUtcTime = entry.peek() === DER_TAGS.utcTime;
    entry.read(isUtcTime ? DER_TAGS.utcTime : DER_TAGS.generalizedTime, 'date');
    if (entry.peek() === undefined) continue;
    const extensions = entry.enter(DER_TAGS.sequence, 'extensions');
    entry.end('entry');
    while (extensions.peek() !== undefined)
      readExtension(extensions.enter(DER_TAGS.sequence, 'extension'));
  }
  return serials;
}

function readExtension(reader: DerReader): void {
  const name = reader.read(DER_TAGS.objectIdentifier, 'name');
  const flag = reader.readOptional(DER_TAGS.boolean, 'critical');
  reader.read(DER_TAGS.octetString, 'value');
  reader.end('extension');
  const isUnderstood = ['551d15', '551d18'].includes(Buffer.from(name.content).toString('hex'));
  if (flag !== undefined && decodeBoolean(flag) && !isUnderstood) {
    throw new AgentError('revocation_evidence_invalid', 'critical');
  }
}
